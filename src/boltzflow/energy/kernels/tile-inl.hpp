// SPDX-License-Identifier: MIT
// A tile: as many conformations as a vector has lanes, one conformation a lane, coordinate-major. Positions come in and
// gradients go out sample-major; energies are summed here.
#pragma once
#include "boltzflow/base/simd/vector-inl.hpp"
#include "boltzflow/energy/force_field_tables.hpp"

namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET {

using simd::BOLTZFLOW_SIMD_TARGET::Lanes;

/// What a kernel is compiled for. options: cutoffs, necks, negative scaled radii and the particle-inside term are
/// looked up as it runs.
template <bool born_, bool inside_, bool options_, bool gradient_, bool terms_>
struct Switches {
  static constexpr bool born = born_, inside = inside_, options = options_, gradient = gradient_, terms = terms_;
};

template <class L, bool high>
BOLTZFLOW_INLINE typename L::Vector interleave(typename L::Vector a, typename L::Vector b) {
  typename L::Integer order;
  for (int i = 0; i < L::count; ++i) order[i] = (high ? L::count / 2 : 0) + i / 2 + (i % 2) * L::count;
  return __builtin_shuffle(a, b, order);
}

/// Transposes count vectors of count lanes: log2(count) perfect shuffles of the rows.
template <class L>
BOLTZFLOW_INLINE void transpose(typename L::Vector (&rows)[L::count]) {
#pragma GCC unroll 4
  for (int stage = 1; stage < L::count; stage *= 2) {
    typename L::Vector next[L::count];
#pragma GCC unroll 8
    for (int i = 0; i < L::count / 2; ++i) {
      next[2 * i] = interleave<L, false>(rows[i], rows[i + L::count / 2]);
      next[2 * i + 1] = interleave<L, true>(rows[i], rows[i + L::count / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < L::count; ++i) rows[i] = next[i];
  }
}

/// Calls function(first) for blocks of L::count coordinates; the last block overlaps the one before.
template <class L, class Function>
BOLTZFLOW_INLINE void for_blocks(int n_coordinates, Function&& function) {
  for (int first = 0; first < n_coordinates; first += L::count)
    function(first + L::count <= n_coordinates ? first : n_coordinates - L::count);
}

/// Lanes past n_lanes repeat the last conformation, so that they cost no special case and raise nothing.
template <class Scalar>
BOLTZFLOW_INLINE void load_tile(const Scalar* positions, int n_coordinates, int n_lanes,
                                typename Lanes<Scalar>::Vector* x) {
  using L = Lanes<Scalar>;
  const auto row = [&](int lane) {
    return positions + static_cast<int64_t>(lane < n_lanes ? lane : n_lanes - 1) * n_coordinates;
  };
  if (n_coordinates < L::count) {
    for (int lane = 0; lane < L::count; ++lane)
      for (int c = 0; c < n_coordinates; ++c) x[c][lane] = row(lane)[c];
    return;
  }
  for_blocks<L>(n_coordinates, [&](int first) {
    typename L::Vector rows[L::count];
#pragma GCC unroll 16
    for (int lane = 0; lane < L::count; ++lane) rows[lane] = L::load(row(lane) + first);
    transpose<L>(rows);
#pragma GCC unroll 16
    for (int c = 0; c < L::count; ++c) x[first + c] = rows[c];
  });
}

template <class Scalar>
BOLTZFLOW_INLINE void store_tile(const typename Lanes<Scalar>::Vector* g, int n_coordinates, int n_lanes,
                                 Scalar* gradient) {
  using L = Lanes<Scalar>;
  if (n_coordinates < L::count) {
    for (int lane = 0; lane < n_lanes; ++lane)
      for (int c = 0; c < n_coordinates; ++c) gradient[static_cast<int64_t>(lane) * n_coordinates + c] = g[c][lane];
    return;
  }
  for_blocks<L>(n_coordinates, [&](int first) {
    typename L::Vector rows[L::count];
#pragma GCC unroll 16
    for (int c = 0; c < L::count; ++c) rows[c] = g[first + c];
    transpose<L>(rows);
#pragma GCC unroll 16
    for (int lane = 0; lane < L::count; ++lane)
      if (lane < n_lanes) L::store(gradient + static_cast<int64_t>(lane) * n_coordinates + first, rows[lane]);
  });
}

/// The energy of a tile, compensated (Knuth's two-sum), so that float32 rounding is that of the terms and not of the
/// sum.
template <class Scalar, bool per_term>
class EnergySums {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;

 public:
  BOLTZFLOW_INLINE EnergySums() {
    for (Vector& term : terms_) term = L::set(0);
  }
  BOLTZFLOW_INLINE void add(ForceFieldTerm term, Vector value) {
    if constexpr (per_term) terms_[term] += value;
    const Vector total = sum_ + value, from_value = total - sum_;
    correction_ += (sum_ - (total - from_value)) + (value - from_value);
    sum_ = total;
  }
  BOLTZFLOW_INLINE void write(double* energy, double* terms, int n_lanes) const {
    // An infinite sum leaves NaN in the correction.
    const Vector correction = L::select(L::is_finite(correction_), correction_, L::set(0));
    for (int lane = 0; lane < n_lanes; ++lane) {
      energy[lane] = static_cast<double>(sum_[lane]) + static_cast<double>(correction[lane]);
      if constexpr (per_term)
        for (int t = 0; t < n_force_field_terms; ++t) terms[lane * n_force_field_terms + t] = terms_[t][lane];
    }
  }

 private:
  Vector sum_ = L::set(0), correction_ = L::set(0);
  Vector terms_[per_term ? n_force_field_terms : 1];
};

/// A vector in space, or one per lane of it.
template <class Vector>
struct Vector3 {
  Vector x, y, z;
};
template <class V>
BOLTZFLOW_INLINE Vector3<V> operator+(Vector3<V> a, Vector3<V> b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class V>
BOLTZFLOW_INLINE Vector3<V> operator-(Vector3<V> a, Vector3<V> b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <class V>
BOLTZFLOW_INLINE Vector3<V> operator*(V s, Vector3<V> a) {
  return {s * a.x, s * a.y, s * a.z};
}
template <class V>
BOLTZFLOW_INLINE V dot(Vector3<V> a, Vector3<V> b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class V>
BOLTZFLOW_INLINE Vector3<V> cross(Vector3<V> a, Vector3<V> b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
template <class V>
BOLTZFLOW_INLINE Vector3<V> atom(const V* x, int i) {
  return {x[3 * i], x[3 * i + 1], x[3 * i + 2]};
}
template <class V>
BOLTZFLOW_INLINE void add_to(V* g, int i, Vector3<V> a) {
  g[3 * i] += a.x;
  g[3 * i + 1] += a.y;
  g[3 * i + 2] += a.z;
}

/// Squared lengths, areas and sines are kept away from zero by these, so that overlapping or collinear atoms give large
/// finite numbers. NaN stays NaN: `value` is the second argument of max.
template <class Scalar>
struct Floors;
template <>
struct Floors<float> {
  static constexpr float length_squared = 1e-12f;        ///< bonds, nm^2
  static constexpr float area_squared = 1e-18f;          ///< cross products in torsions, nm^4
  static constexpr float sine_squared = 1e-10f;          ///< angles
  static constexpr float pair_distance_squared = 1e-6f;  ///< (0.001 nm)^2: r^-14 times any c12 stays below 3e38
};
template <>
struct Floors<double> {
  static constexpr double length_squared = 1e-60;
  static constexpr double area_squared = 1e-90;
  static constexpr double sine_squared = 1e-24;
  static constexpr double pair_distance_squared = 1e-40;
};

template <class L>
BOLTZFLOW_INLINE typename L::Vector at_least(typename L::Scalar floor, typename L::Vector value) {
  return L::max(L::set(floor), value);
}
template <class L>
BOLTZFLOW_INLINE typename L::Vector at_most(typename L::Scalar ceiling, typename L::Vector value) {
  return L::min(L::set(ceiling), value);
}

/// The polynomial of x with these coefficients, highest power first.
template <class L, class... Lower>
BOLTZFLOW_INLINE typename L::Vector horner(typename L::Vector x, typename L::Scalar highest, Lower... lower) {
  typename L::Vector sum = L::set(highest);
  ((sum = sum * x + lower), ...);
  return sum;
}

/// 1/sqrt(x) of a normal x > 0, NaN of a negative one. In double with AVX-512 two Newton steps from the 14-bit
/// estimate, relative error <= 5e-16, take a fifth of the time of a square root and a division.
template <class L>
BOLTZFLOW_INLINE typename L::Vector inverse_square_root(typename L::Vector x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(typename L::Scalar) == 8) {
    using Vector = typename L::Vector;
    Vector y = (Vector)_mm512_maskz_rsqrt14_pd(0xff, (__m512d)x);
    const Vector half = 0.5 * x;
    y = y * (1.5 - half * y * y);
    return y + y * (0.5 - half * y * y);
  }
#endif
  return L::rsqrt(x);
}

/// exp(-x), x >= 0; NaN of NaN. AVX-512 scales by a power of two in one instruction. Relative error <= 2e-7 in float
/// and 5e-16 in double.
template <class L>
BOLTZFLOW_INLINE typename L::Vector exp_of_minus(typename L::Vector x) {
#if defined(__AVX512F__)
  using Vector = typename L::Vector;
  if constexpr (sizeof(typename L::Scalar) == 4) {
    x = at_most<L>(100.0f, x);
    const Vector n = L::round(x * -1.44269504088896341f);
    const Vector r = (-x - n * 0.693145751953125f) - n * 1.42860677e-6f;
    const Vector p = horner<L>(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                               1.6666665459e-1f, 5.0000001201e-1f);
    return (Vector)_mm512_maskz_scalef_ps(0xffff, (__m512)(p * (r * r) + r + 1.0f), (__m512)n);
  } else {
    x = at_most<L>(740.0, x);
    const Vector n = L::round(x * -1.4426950408889634);
    const Vector r = (-x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6;
    const Vector p = horner<L>(r, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                               1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5);
    return (Vector)_mm512_maskz_scalef_pd(0xff, (__m512d)(p * (r * r) + r + 1.0), (__m512d)n);
  }
#else
  return L::exp(-x);
#endif
}

}  // namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET
