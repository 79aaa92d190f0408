// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace boltzflow::sampling {

/// What every replica of a step has in common.
struct LangevinStep {
  int32_t n_coordinates;
  const float* inverse_mass;       ///< [n_coordinates], 1/amu
  const float* inverse_mass_root;  ///< [n_coordinates], 1/sqrt(amu)
  float time_step;                 ///< ps
  float velocity_decay;            ///< exp(-friction time_step)
  uint64_t seed;
  uint64_t step;  ///< counted from the start of the run: chooses the random numbers
};

/// Words of noise that a step draws for one replica, in blocks of four; scratch of advance_replicas in floats.
inline constexpr int64_t langevin_blocks(int64_t n_coordinates) { return (n_coordinates + 3) / 4; }
inline constexpr int64_t langevin_group = 16;  ///< replicas whose noise is drawn together
inline constexpr int64_t langevin_scratch(int64_t n_coordinates) {
  return 4 * (langevin_group * langevin_blocks(n_coordinates) + 16);
}

// advance_replicas: one step of the middle scheme for n_replicas whose gradient [n_replicas, n_coordinates] at
// `positions` is given; noise_scale [n_replicas] is sqrt((1 - velocity_decay^2) R T). Replica r draws from
// RandomStream(seed, first_stream + r) the words from 4 step langevin_blocks() on.
//
// draw_normals: the same noise alone, [n_replicas, n_coordinates] with unit variance.
#define BOLTZFLOW_DECLARE_LANGEVIN(target)                                                                             \
  namespace target {                                                                                                   \
  void advance_replicas(const LangevinStep& step, uint64_t first_stream, int64_t n_replicas, const float* noise_scale, \
                        const float* gradient, float* positions, float* velocities, float* scratch) noexcept;          \
  void draw_normals(const LangevinStep& step, uint64_t first_stream, int64_t n_replicas, float* normals,               \
                    float* scratch) noexcept;                                                                          \
  }
BOLTZFLOW_DECLARE_LANGEVIN(baseline)
BOLTZFLOW_DECLARE_LANGEVIN(avx2)
BOLTZFLOW_DECLARE_LANGEVIN(avx512)
#undef BOLTZFLOW_DECLARE_LANGEVIN

}  // namespace boltzflow::sampling
