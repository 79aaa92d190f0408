// SPDX-License-Identifier: MIT
// SHAKE and RATTLE (Ryckaert, Ciccotti & Berendsen 1977; Andersen 1983) with a replica in every lane: sweeps over the
// constraints of a cluster until all lanes are within the tolerance. For the two or three hydrogens of a heavy atom the
// coupling is weak (their masses differ tenfold), and three or four sweeps do.
#include "boltzflow/sampling/kernels/constraints.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"
#include "boltzflow/energy/kernels/tile-inl.hpp"

namespace boltzflow::sampling::BOLTZFLOW_SIMD_TARGET {
namespace {

using L = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>;
using Vector = L::Vector;
using energy::BOLTZFLOW_SIMD_TARGET::add_to;
using energy::BOLTZFLOW_SIMD_TARGET::atom;
using energy::BOLTZFLOW_SIMD_TARGET::dot;
using energy::BOLTZFLOW_SIMD_TARGET::load_tile;
using energy::BOLTZFLOW_SIMD_TARGET::store_tile;
using Vector3 = energy::BOLTZFLOW_SIMD_TARGET::Vector3<Vector>;

BOLTZFLOW_INLINE bool all_below(Vector values, float limit) {
  const L::Integer below = values < limit;  // NaN is not
  int32_t all = -1;
  for (int lane = 0; lane < L::count; ++lane) all &= below[lane];
  return all != 0;
}

/// NaN once a value is NaN.
BOLTZFLOW_INLINE Vector largest(Vector value, Vector so_far) {
  return L::select(so_far != so_far, so_far, L::max(so_far, value));
}

/// Calls sweep(first_row, last_row), which returns the largest error it met, for every cluster until it is below
/// `limit`.
template <class Sweep>
BOLTZFLOW_INLINE bool for_clusters(const ConstraintTable& table, float limit, Sweep&& sweep) {
  bool all_met = true;
  for (int cluster = 0; cluster < table.n_clusters; ++cluster) {
    const int first = table.first_row_of_cluster[cluster], last = table.first_row_of_cluster[cluster + 1];
    bool met = false;
    for (int n = 0; n < constraint_max_sweeps && !met; ++n) met = all_below(sweep(first, last), limit);
    all_met &= met;
  }
  return all_met;
}

/// Finds the displacements that, added to x, meet the constraints. They are kept apart from x, which is rounded to
/// 6e-8 of its size where they are good to 1e-7 of theirs: the velocities are made of them.
BOLTZFLOW_INLINE bool solve_positions(const ConstraintTable& table, const Vector* start, const Vector* x,
                                      Vector* displacement) {
  return for_clusters(table, constraint_length_tolerance, [&](int first, int last) {
    Vector worst = L::set(0);
    for (int r = first; r < last; ++r) {
      const ConstraintRow& row = table.rows[r];
      const Vector3 direction = atom(start, row.i) - atom(start, row.j);
      const Vector3 bond = (atom(x, row.i) - atom(x, row.j)) + (atom(displacement, row.i) - atom(displacement, row.j));
      const Vector missing = row.distance_squared - dot(bond, bond);
      worst = largest(L::abs(missing) / row.distance_squared, worst);
      const Vector multiplier = missing / (2.0f * (row.inverse_mass_i + row.inverse_mass_j) * dot(direction, bond));
      add_to(displacement, row.i, (multiplier * row.inverse_mass_i) * direction);
      add_to(displacement, row.j, (multiplier * -row.inverse_mass_j) * direction);
    }
    return worst;
  });
}

BOLTZFLOW_INLINE bool solve_velocities(const ConstraintTable& table, const Vector* x, Vector* v) {
  return for_clusters(table, constraint_velocity_tolerance, [&](int first, int last) {
    Vector worst = L::set(0);
    for (int r = first; r < last; ++r) {
      const ConstraintRow& row = table.rows[r];
      const Vector3 bond = atom(x, row.i) - atom(x, row.j);
      const Vector along = dot(bond, atom(v, row.i) - atom(v, row.j));
      worst = largest(L::abs(along) / L::sqrt(L::set(row.distance_squared)), worst);
      const Vector multiplier = -along / ((row.inverse_mass_i + row.inverse_mass_j) * row.distance_squared);
      add_to(v, row.i, (multiplier * row.inverse_mass_i) * bond);
      add_to(v, row.j, (multiplier * -row.inverse_mass_j) * bond);
    }
    return worst;
  });
}

BOLTZFLOW_INLINE int lanes_of(int64_t n_left) { return n_left < L::count ? static_cast<int>(n_left) : L::count; }

}  // namespace

bool advance_constrained_replicas(const LangevinStep& step, const ConstraintTable& table, uint64_t first_stream,
                                  int64_t n_replicas, const float* noise_scale, const float* gradient, float* positions,
                                  float* velocities, float* scratch) noexcept {
  const int n = step.n_coordinates;
  float* const normals = scratch + langevin_scratch(n);
  Vector* const x = (Vector*)(normals + langevin_group * n);
  Vector *const v = x + n, *const g = x + 2 * n, *const xi = x + 3 * n, *const moved = x + 4 * n,
                *const displacement = x + 5 * n;
  const float dt = step.time_step, half = 0.5f * dt, inverse_dt = 1.0f / dt;
  bool all_met = true;
  for (int64_t begin = 0; begin < n_replicas; begin += langevin_group) {
    const int64_t end = begin + langevin_group < n_replicas ? begin + langevin_group : n_replicas;
    draw_normals(step, first_stream + static_cast<uint64_t>(begin), end - begin, normals, scratch);
    for (int64_t first = begin; first < end; first += L::count) {
      const int n_lanes = lanes_of(end - first);
      load_tile(positions + first * n, n, n_lanes, x);
      load_tile(velocities + first * n, n, n_lanes, v);
      load_tile(gradient + first * n, n, n_lanes, g);
      load_tile(normals + (first - begin) * n, n, n_lanes, xi);
      Vector scale = L::set(0);
      for (int lane = 0; lane < n_lanes; ++lane) scale[lane] = noise_scale[first + lane];

      for (int c = 0; c < n; ++c) v[c] -= dt * step.inverse_mass[c] * g[c];
      all_met &= solve_velocities(table, x, v);
      for (int c = 0; c < n; ++c) {
        const Vector kicked = v[c];
        v[c] = step.velocity_decay * kicked + scale * step.inverse_mass_root[c] * xi[c];
        moved[c] = x[c] + half * (kicked + v[c]);
        displacement[c] = L::set(0);
      }
      all_met &= solve_positions(table, x, moved, displacement);
      for (int c = 0; c < n; ++c) {
        v[c] += inverse_dt * displacement[c];
        moved[c] += displacement[c];
      }
      store_tile(moved, n, n_lanes, positions + first * n);
      store_tile(v, n, n_lanes, velocities + first * n);
    }
  }
  return all_met;
}

bool project_positions(const ConstraintTable& table, int32_t n, int64_t n_replicas, const float* start,
                       float* positions, float* scratch) noexcept {
  Vector *const from = (Vector*)scratch, *const x = from + n, *const displacement = from + 2 * n;
  bool all_met = true;
  for (int64_t first = 0; first < n_replicas; first += L::count) {
    const int n_lanes = lanes_of(n_replicas - first);
    load_tile(start + first * n, n, n_lanes, from);
    load_tile(positions + first * n, n, n_lanes, x);
    for (int c = 0; c < n; ++c) displacement[c] = L::set(0);
    all_met &= solve_positions(table, from, x, displacement);
    for (int c = 0; c < n; ++c) x[c] += displacement[c];
    store_tile(x, n, n_lanes, positions + first * n);
  }
  return all_met;
}

bool project_velocities(const ConstraintTable& table, int32_t n, int64_t n_replicas, const float* positions,
                        float* velocities, float* scratch) noexcept {
  Vector *const x = (Vector*)scratch, *const v = x + n;
  bool all_met = true;
  for (int64_t first = 0; first < n_replicas; first += L::count) {
    const int n_lanes = lanes_of(n_replicas - first);
    load_tile(positions + first * n, n, n_lanes, x);
    load_tile(velocities + first * n, n, n_lanes, v);
    all_met &= solve_velocities(table, x, v);
    store_tile(v, n, n_lanes, velocities + first * n);
  }
  return all_met;
}

}  // namespace boltzflow::sampling::BOLTZFLOW_SIMD_TARGET
