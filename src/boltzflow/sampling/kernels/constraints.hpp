// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

#include "boltzflow/sampling/kernels/langevin.hpp"

namespace boltzflow::sampling {

/// A fixed distance between the atoms i and j.
struct ConstraintRow {
  int32_t i, j;
  float distance_squared;                ///< nm^2
  float inverse_mass_i, inverse_mass_j;  ///< 1/amu
};

/// Constraints by clusters: two that share an atom are in the same one. Cluster c has the rows from
/// first_row_of_cluster[c] up to first_row_of_cluster[c + 1].
struct ConstraintTable {
  int32_t n_clusters;
  const int32_t* first_row_of_cluster;  ///< [n_clusters + 1]
  const ConstraintRow* rows;
};

inline constexpr int constraint_max_sweeps = 500;
inline constexpr float constraint_length_tolerance = 1e-6f;  ///< of a squared distance, relative; float32 reaches 4e-7
inline constexpr float constraint_velocity_tolerance = 1e-5f;  ///< of the velocity along a constraint, nm/ps

/// Scratch of the functions below in floats, on a 64-byte boundary.
inline constexpr int64_t constraint_scratch(int64_t n_coordinates) {
  return langevin_scratch(n_coordinates) + 7 * langevin_group * n_coordinates;
}

// All of these return false if a cluster did not come within the tolerances: a time step too long, constraints that
// contradict each other, or positions that are not finite.
//
// advance_constrained_replicas: advance_replicas under constraints, as LangevinMiddleIntegrator of OpenMM does it:
//     v <- P(x) (v - dt/m dU/dx);  x' <- x + dt/2 v;  v <- c v + s xi;  x' <- x' + dt/2 v;
//     x'' <- x' + delta, the constraints met, delta = M^-1 times a combination of the constraints' gradients at x;
//     v <- v + delta / dt;  x <- x''
// project_positions: moves `positions` so that the constraints are met, along their gradients at `start` (both
// [n_replicas, n_coordinates]; may be the same array).
// project_velocities: P(x), takes the velocities along the constraints away.
#define BOLTZFLOW_DECLARE_CONSTRAINTS(target)                                                                         \
  namespace target {                                                                                                  \
  bool advance_constrained_replicas(const LangevinStep& step, const ConstraintTable& table, uint64_t first_stream,    \
                                    int64_t n_replicas, const float* noise_scale, const float* gradient,              \
                                    float* positions, float* velocities, float* scratch) noexcept;                    \
  bool project_positions(const ConstraintTable& table, int32_t n_coordinates, int64_t n_replicas, const float* start, \
                         float* positions, float* scratch) noexcept;                                                  \
  bool project_velocities(const ConstraintTable& table, int32_t n_coordinates, int64_t n_replicas,                    \
                          const float* positions, float* velocities, float* scratch) noexcept;                        \
  }
BOLTZFLOW_DECLARE_CONSTRAINTS(baseline)
BOLTZFLOW_DECLARE_CONSTRAINTS(avx2)
BOLTZFLOW_DECLARE_CONSTRAINTS(avx512)
#undef BOLTZFLOW_DECLARE_CONSTRAINTS

}  // namespace boltzflow::sampling
