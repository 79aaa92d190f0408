// SPDX-License-Identifier: MIT
// Points as three vectors over samples, tiles of samples in scratch memory, and the affine coordinates of a row.
#pragma once
#include "boltzflow/base/simd/vector-inl.hpp"
#include "boltzflow/coordinates/kernels/internal_coordinates_kernels.hpp"

namespace boltzflow::coordinate_kernels::BOLTZFLOW_SIMD_TARGET {

template <class Scalar>
using Lanes = simd::BOLTZFLOW_SIMD_TARGET::Lanes<Scalar>;

template <class L>
struct Point {
  typename L::Vector x, y, z;
};

template <class L>
BOLTZFLOW_INLINE Point<L> operator+(Point<L> a, Point<L> b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class L>
BOLTZFLOW_INLINE Point<L> operator-(Point<L> a, Point<L> b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <class L>
BOLTZFLOW_INLINE Point<L> scaled(Point<L> a, typename L::Vector s) {
  return {a.x * s, a.y * s, a.z * s};
}
template <class L>
BOLTZFLOW_INLINE typename L::Vector dot(Point<L> a, Point<L> b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class L>
BOLTZFLOW_INLINE Point<L> cross(Point<L> a, Point<L> b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class L>
BOLTZFLOW_INLINE Point<L> select(typename L::Integer mask, Point<L> a, Point<L> b) {
  return {L::select(mask, a.x, b.x), L::select(mask, a.y, b.y), L::select(mask, a.z, b.z)};
}

/// Tiles: [n_atoms, 3, lanes], aligned.
template <class L>
BOLTZFLOW_INLINE Point<L> get(const typename L::Vector* tile, int atom) {
  return {tile[3 * atom], tile[3 * atom + 1], tile[3 * atom + 2]};
}
template <class L>
BOLTZFLOW_INLINE void put(typename L::Vector* tile, int atom, Point<L> p) {
  tile[3 * atom] = p.x, tile[3 * atom + 1] = p.y, tile[3 * atom + 2] = p.z;
}
template <class L>
BOLTZFLOW_INLINE void add(typename L::Vector* tile, int atom, Point<L> p) {
  tile[3 * atom] += p.x, tile[3 * atom + 1] += p.y, tile[3 * atom + 2] += p.z;
}

/// Samples [first, first + n) of an array [n_samples, width] into a tile [width, lanes]; missing lanes repeat the last.
template <class L>
inline void load_tile(const typename L::Scalar* rows, int64_t first, int n, int64_t width, typename L::Vector* tile) {
  auto* out = (typename L::Scalar*)tile;
  for (int lane = 0; lane < L::count; ++lane) {
    const auto* row = rows + (first + (lane < n ? lane : n - 1)) * width;
    for (int64_t k = 0; k < width; ++k) out[k * L::count + lane] = row[k];
  }
}
template <class L>
inline void store_tile(const typename L::Vector* tile, typename L::Scalar* rows, int64_t first, int n, int64_t width) {
  const auto* in = (const typename L::Scalar*)tile;
  for (int lane = 0; lane < n; ++lane) {
    auto* row = rows + (first + lane) * width;
    for (int64_t k = 0; k < width; ++k) row[k] = in[k * L::count + lane];
  }
}

/// The tile's columns of a feature-major array [dimension, n_samples]: a view of whole tiles, a padded copy of the
/// last.
template <class L>
struct Columns {
  const typename L::Scalar* data;
  int64_t stride;
  BOLTZFLOW_INLINE typename L::Vector operator[](int dimension) const { return L::load(data + dimension * stride); }
};
template <class L>
inline Columns<L> columns(const typename L::Scalar* array, int64_t n_samples, int64_t first, int n, int dimension,
                          typename L::Vector* copy) {
  if (n == L::count) return {array + first, n_samples};
  auto* out = (typename L::Scalar*)copy;
  for (int k = 0; k < dimension; ++k)
    for (int lane = 0; lane < L::count; ++lane)
      out[k * L::count + lane] = array[k * n_samples + first + (lane < n ? lane : n - 1)];
  return {out, L::count};
}
/// Writes one row of a feature-major array, the first n lanes.
template <class L>
BOLTZFLOW_INLINE void store_column(typename L::Scalar* array, int64_t n_samples, int64_t first, int n, int dimension,
                                   typename L::Vector v) {
  auto* out = array + dimension * n_samples + first;
  if (n == L::count) return L::store(out, v);
  for (int lane = 0; lane < n; ++lane) out[lane] = v[lane];
}
template <class L>
BOLTZFLOW_INLINE void add_column(typename L::Scalar* array, int64_t n_samples, int64_t first, int n, int dimension,
                                 typename L::Vector v) {
  auto* out = array + dimension * n_samples + first;
  for (int lane = 0; lane < n; ++lane) out[lane] += v[lane];
}
template <class L>
inline typename L::Vector load_doubles(const double* array, int64_t first, int n) {
  typename L::Vector v{};
  for (int lane = 0; lane < n; ++lane) v[lane] = (typename L::Scalar)array[first + lane];
  return v;
}

/// z limited to its interval. The order of the operands lets NaN through: a broken flow must not look like a sound one.
template <class L>
BOLTZFLOW_INLINE typename L::Vector limited(const IntervalCoordinate<typename L::Scalar>& c, typename L::Vector z) {
  return L::min(L::set(c.upper), L::max(L::set(c.lower), z));
}
template <class L>
BOLTZFLOW_INLINE typename L::Integer inside(const IntervalCoordinate<typename L::Scalar>& c, typename L::Vector z) {
  return (z >= c.lower) & (z <= c.upper);
}

/// The sum of log((d / d_ref)^2 sin a) over rows as a few logarithms of running products; the table says when to take
/// one.
template <class L>
struct LogVolume {
  typename L::Vector product = L::set(1), sum = L::set(0);
  BOLTZFLOW_INLINE void multiply(typename L::Vector relative_length, typename L::Vector sine) {
    product *= relative_length * relative_length * sine;
  }
  BOLTZFLOW_INLINE void take_logarithm() {
    // max() returns its second operand where one is NaN, so a NaN is restored afterwards.
    const typename L::Vector tiny = L::set((typename L::Scalar)1e-37);
    const typename L::Vector value = L::log(L::max(product, tiny));
    sum += L::select(product == product, value, product);
    product = L::set(1);
  }
};
template <class L>
BOLTZFLOW_INLINE void store_log_det(double* log_det, int64_t first, int n, typename L::Vector sum, double constant) {
  for (int lane = 0; lane < n; ++lane) log_det[first + lane] = constant + (double)sum[lane];
}

template <class L>
inline constexpr typename L::Scalar two_pi = (typename L::Scalar)6.283185307179586476925;

}  // namespace boltzflow::coordinate_kernels::BOLTZFLOW_SIMD_TARGET
