// SPDX-License-Identifier: MIT
// Lennard-Jones, Coulomb and generalised Born of one tile, in three passes over the pairs:
//   1  distances; Lennard-Jones and Coulomb; the descreening integrals I and their derivatives
//   2  Born radii; the Born pair energy, its derivatives in r and in the radii
//   3  the chain rule through the radii, and the pair forces
// Between the passes four vectors a pair are kept in scratch; without Born pass 1 does all.
#pragma once
#include "boltzflow/energy/kernels/tile-inl.hpp"

namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET {

template <class Vector>
struct PairIntermediate {
  Vector r_squared;
  Vector slope_over_r;                                            ///< (dU/dr)/r at fixed Born radii
  Vector descreening_i_slope_over_r, descreening_j_slope_over_r;  ///< 2 (dI/dr)/r
};

/// ln x, x positive and normal. With AVX-512, which splits numbers for us, in seven operations fewer than Lanes::log
/// and with an absolute error <= 2e-7 for x in [0.05, 1]: two logarithms a pair are a third of the first pass.
template <class L>
BOLTZFLOW_INLINE typename L::Vector log_of_ratio(typename L::Vector x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(typename L::Scalar) == 4) {
    using Vector = typename L::Vector;
    // x = m 2^e with m in [3/4, 3/2)
    const Vector m =
        (Vector)_mm512_maskz_getmant_ps(0xffff, (__m512)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src) - 1.0f;
    const Vector e = (Vector)_mm512_maskz_getexp_ps(0xffff, (__m512)(x * 1.3333334f));
    // Minimax fit of (ln(1 + m) - m + m^2/2)/m^3 on [-1/4, 1/2], weighted by m^3: error 1e-8.
    Vector p = L::set(5.3635877788e-2f);
    p = p * m - 1.1974304019e-1f;
    p = p * m + 1.4921067231e-1f;
    p = p * m - 1.6812038106e-1f;
    p = p * m + 1.9982704578e-1f;
    p = p * m - 2.4995413571e-1f;
    p = p * m + 3.3333453778e-1f;
    p = p * m - 0.5f;
    return e * 0.693147181f + (p * (m * m) + m);
  }
#endif
  return L::log(x);
}

/// Twice the descreening integral of an atom with offset radius o by a neighbour of scaled radius s at distance r:
///     2 I = 1/L - 1/U + (r - s^2/r)(1/U^2 - 1/L^2)/4 + ln(L/U)/(2r),   U = max(r + s, o), L = max(o, |r - s|)
/// The published form has no integral where r + s < o; the max in U makes every term vanish there without a branch.
/// The terms in dL and dU cancel in the derivative (Schaefer & Froemmel 1990; Hawkins, Cramer & Truhlar 1996).
template <class L, class Switches>
BOLTZFLOW_INLINE typename L::Vector descreening(typename L::Vector r, typename L::Vector inverse_r,
                                                typename L::Vector half_inverse_r, typename L::Vector inverse_r_squared,
                                                typename L::Scalar o, typename L::Scalar inverse_o,
                                                typename L::Scalar s, typename L::Scalar s_squared,
                                                typename L::Vector& slope_over_r) {
  using Scalar = typename L::Scalar;
  using Vector = typename L::Vector;
  const Vector upper = at_least<L>(o, r + s), lower = at_least<L>(o, L::abs(r - s));
  const Vector inverse_product = L::reciprocal(upper * lower);
  const Vector inverse_lower = upper * inverse_product, inverse_upper = lower * inverse_product;
  const Vector half_log = half_inverse_r * log_of_ratio<L>(lower * inverse_upper);
  const Vector difference = inverse_lower - inverse_upper;
  const Vector quarter = static_cast<Scalar>(0.25) * (inverse_lower + inverse_upper) * difference;
  const Vector ratio = s_squared * inverse_r;
  Vector integral = difference - (r - ratio) * quarter + half_log;
  if constexpr (Switches::inside)
    integral += L::select(r < s - o, static_cast<Scalar>(2) * (inverse_o - inverse_lower), L::set(0));
  if constexpr (Switches::gradient) slope_over_r = -inverse_r_squared * ((r + ratio) * quarter + half_log);
  return integral;
}

template <class Scalar, class Switches>
BOLTZFLOW_INLINE void add_pairs(const ForceFieldTables<Scalar>& tables,
                                const typename Lanes<Scalar>::Vector* __restrict x,
                                typename Lanes<Scalar>::Vector* __restrict g,
                                typename Lanes<Scalar>::Vector* __restrict scratch,
                                EnergySums<Scalar, Switches::terms>& sums) {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;
  const int n = tables.n_atoms;
  Vector* const integral = scratch;
  Vector* const radius = integral + n;
  Vector* const inverse_radius = radius + n;
  Vector* const radius_slope = inverse_radius + n;  // dU/dB, then (1/2) dU/dI
  Vector* const chain = radius_slope + n;           // (1/2) dB/dI
  auto* const intermediates = reinterpret_cast<PairIntermediate<Vector>*>(chain + n);

  if constexpr (Switches::born)
    for (int i = 0; i < n; ++i) integral[i] = L::set(0);

  const auto* pair = tables.pairs;
  PairIntermediate<Vector>* kept = intermediates;
  for (int i = 0; i < n - 1; ++i) {
    const Vector3<Vector> xi = atom(x, i);
    Vector energy_lennard_jones = L::set(0), energy_coulomb = L::set(0), integral_i = L::set(0);
    Vector3<Vector> gi{L::set(0), L::set(0), L::set(0)};
    for (int j = i + 1; j < n; ++j, ++pair, ++kept) {
      const Vector3<Vector> d = xi - atom(x, j);
      const Vector r_squared = at_least<L>(Floors<Scalar>::pair_distance_squared, dot(d, d));
      const Vector inverse_r = L::rsqrt(r_squared), inverse_r2 = inverse_r * inverse_r;
      const Vector inverse_r6 = inverse_r2 * inverse_r2 * inverse_r2;
      const Vector coulomb = pair->charge_product * inverse_r;
      // In this order 0/r^12 is 0 for every r above the floor.
      const Vector repulsion = pair->c12 * inverse_r6 * inverse_r6, attraction = pair->c6 * inverse_r6;
      const Vector lennard_jones = repulsion - attraction;
      if constexpr (Switches::terms) {
        energy_lennard_jones += lennard_jones;
        energy_coulomb += coulomb;
      } else {
        energy_lennard_jones += lennard_jones + coulomb;
      }
      Vector slope_over_r = L::set(0);
      if constexpr (Switches::gradient)
        slope_over_r = -inverse_r2 * (static_cast<Scalar>(6) * (repulsion + lennard_jones) + coulomb);
      if constexpr (Switches::born) {
        const auto &a = tables.born_atoms[i], &b = tables.born_atoms[j];
        const Vector r = r_squared * inverse_r, half_inverse_r = static_cast<Scalar>(0.5) * inverse_r;
        Vector slope_i = L::set(0), slope_j = L::set(0);
        integral_i +=
            descreening<L, Switches>(r, inverse_r, half_inverse_r, inverse_r2, a.offset_radius, a.inverse_offset_radius,
                                     b.scaled_radius, b.scaled_radius_squared, slope_i);
        integral[j] +=
            descreening<L, Switches>(r, inverse_r, half_inverse_r, inverse_r2, b.offset_radius, b.inverse_offset_radius,
                                     a.scaled_radius, a.scaled_radius_squared, slope_j);
        kept->r_squared = r_squared;
        if constexpr (Switches::gradient) {
          kept->slope_over_r = slope_over_r;
          kept->descreening_i_slope_over_r = slope_i;
          kept->descreening_j_slope_over_r = slope_j;
        }
      } else if constexpr (Switches::gradient) {
        const Vector3<Vector> pull = slope_over_r * d;
        gi = gi + pull;
        add_to(g, j, Vector3<Vector>{-pull.x, -pull.y, -pull.z});
      }
    }
    sums.add(term_lennard_jones, energy_lennard_jones);
    if constexpr (Switches::terms) sums.add(term_coulomb, energy_coulomb);
    if constexpr (Switches::born)
      integral[i] += integral_i;
    else if constexpr (Switches::gradient)
      add_to(g, i, gi);
  }

  if constexpr (Switches::born) {
    Vector energy_self = L::set(0), energy_surface = L::set(0);
    const Scalar alpha = tables.alpha, beta = tables.beta, gamma = tables.gamma;
    for (int i = 0; i < n; ++i) {
      const auto& a = tables.born_atoms[i];
      const Vector psi = a.half_offset_radius * integral[i], psi_squared = psi * psi;
      const Vector argument = psi * (alpha - beta * psi + gamma * psi_squared);
      const Vector tanh =
          static_cast<Scalar>(1) -
          static_cast<Scalar>(2) * L::reciprocal(L::exp(static_cast<Scalar>(2) * argument) + static_cast<Scalar>(1));
      const Vector inverse = a.inverse_offset_radius - a.inverse_radius * tanh, born = L::reciprocal(inverse);
      const Vector inverse_squared = inverse * inverse;
      const Vector surface = a.surface * (inverse_squared * inverse_squared * inverse_squared),
                   self = a.self_energy * inverse;
      energy_surface += surface;
      energy_self += self;
      inverse_radius[i] = inverse;
      radius[i] = born;
      if constexpr (Switches::gradient) {
        radius_slope[i] = -inverse * (static_cast<Scalar>(6) * surface + self);
        chain[i] = (static_cast<Scalar>(1) - tanh * tanh) *
                   (alpha - static_cast<Scalar>(2) * beta * psi + static_cast<Scalar>(3) * gamma * psi_squared) *
                   (a.half_offset_radius * a.inverse_radius) * born * born;
      }
    }
    sums.add(term_born, energy_self);
    sums.add(term_surface, energy_surface);

    pair = tables.pairs;
    kept = intermediates;
    for (int i = 0; i < n - 1; ++i) {
      const Vector radius_i = radius[i], quarter_inverse_i = static_cast<Scalar>(0.25) * inverse_radius[i];
      Vector energy = L::set(0), slope_i = L::set(0);
      for (int j = i + 1; j < n; ++j, ++pair, ++kept) {
        const Vector r_squared = kept->r_squared, product = radius_i * radius[j];
        const Vector exponent = r_squared * quarter_inverse_i * inverse_radius[j];
        const Vector decay = L::exp(-exponent);
        const Vector inverse_f = L::rsqrt(r_squared + product * decay);
        const Vector born = pair->born_product * inverse_f;
        energy += born;
        if constexpr (Switches::gradient) {
          const Vector born_over_f2 = born * inverse_f * inverse_f;
          kept->slope_over_r -= born_over_f2 * (static_cast<Scalar>(1) - static_cast<Scalar>(0.25) * decay);
          const Vector slope = static_cast<Scalar>(-0.5) * born_over_f2 * (decay + decay * exponent);
          slope_i += slope * radius[j];
          radius_slope[j] += slope * radius_i;
        }
      }
      sums.add(term_born, energy);
      if constexpr (Switches::gradient) radius_slope[i] += slope_i;
    }

    if constexpr (Switches::gradient) {
      for (int i = 0; i < n; ++i) radius_slope[i] *= chain[i];
      kept = intermediates;
      for (int i = 0; i < n - 1; ++i) {
        const Vector3<Vector> xi = atom(x, i);
        const Vector slope_i = radius_slope[i];
        Vector3<Vector> gi{L::set(0), L::set(0), L::set(0)};
        for (int j = i + 1; j < n; ++j, ++kept) {
          const Vector slope = kept->slope_over_r + slope_i * kept->descreening_i_slope_over_r +
                               radius_slope[j] * kept->descreening_j_slope_over_r;
          const Vector3<Vector> pull = slope * (xi - atom(x, j));
          gi = gi + pull;
          g[3 * j] -= pull.x;
          g[3 * j + 1] -= pull.y;
          g[3 * j + 2] -= pull.z;
        }
        add_to(g, i, gi);
      }
    }
  }
}

}  // namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET
