// SPDX-License-Identifier: MIT
// Descreening integrals of generalised Born, twice them, with (dI/dr)/r: of near spheres, of far ones, and of necks.
#pragma once
#include "boltzflow/energy/kernels/tile-inl.hpp"

namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET {

template <class Vector>
struct Descreening {
  Vector integral, slope_over_r;  ///< 2 I and 2 (dI/dr)/r
};

/// A distance and what is made of it once for both atoms of a pair.
template <class Vector>
struct PairDistance {
  Vector r, r_squared, inverse_r, inverse_r2, inverse_r6;
};

/// One bit a lane.
template <class L>
BOLTZFLOW_INLINE unsigned bits_of(typename L::Integer mask) {
  constexpr bool narrow = sizeof(typename L::Scalar) == 4;
#if defined(__AVX512F__)
  if constexpr (narrow)
    return _mm512_movepi32_mask((__m512i)mask);
  else
    return _mm512_movepi64_mask((__m512i)mask);
#elif defined(__AVX2__)
  if constexpr (narrow)
    return static_cast<unsigned>(_mm256_movemask_ps((__m256)mask));
  else
    return static_cast<unsigned>(_mm256_movemask_pd((__m256d)mask));
#else
  if constexpr (narrow)
    return static_cast<unsigned>(_mm_movemask_ps((__m128)mask));
  else
    return static_cast<unsigned>(_mm_movemask_pd((__m128d)mask));
#endif
}

template <class L>
BOLTZFLOW_INLINE Descreening<typename L::Vector> select(typename L::Integer mask,
                                                        const Descreening<typename L::Vector>& a,
                                                        const Descreening<typename L::Vector>& b) {
  return {L::select(mask, a.integral, b.integral), L::select(mask, a.slope_over_r, b.slope_over_r)};
}

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

/// A sphere of scaled radius s at any distance r of an atom of offset radius o:
///     2 I = 1/L - 1/U + (r - s^2/r)(1/U^2 - 1/L^2)/4 + ln(L/U)/(2r),   U = max(r + s, o), L = max(o, |r - s|)
/// The published form has no integral where r + s < o; the max in U makes every term vanish there without a branch,
/// unless s is negative, when the select does. The terms in dL and dU cancel in the derivative (Schaefer & Froemmel
/// 1990; Hawkins, Cramer & Truhlar 1996).
template <class L, class Switches, class Atom>
BOLTZFLOW_INLINE Descreening<typename L::Vector> near_sphere(const PairDistance<typename L::Vector>& pair,
                                                             const Atom& of, const Atom& by, bool inside) {
  using Scalar = typename L::Scalar;
  using Vector = typename L::Vector;
  const Scalar o = of.offset_radius, s = by.scaled_radius;
  const Vector r = pair.r, upper = at_least<L>(o, r + s), lower = at_least<L>(o, L::abs(r - s));
  const Vector inverse_product = L::reciprocal(upper * lower);
  const Vector inverse_lower = upper * inverse_product, inverse_upper = lower * inverse_product;
  const Vector half_log = static_cast<Scalar>(0.5) * pair.inverse_r * log_of_ratio<L>(lower * inverse_upper);
  const Vector difference = inverse_lower - inverse_upper;
  const Vector quarter = static_cast<Scalar>(0.25) * (inverse_lower + inverse_upper) * difference;
  const Vector ratio = by.scaled_radius_squared * pair.inverse_r;
  Descreening<Vector> out{difference - (r - ratio) * quarter + half_log, L::set(0)};
  if constexpr (Switches::gradient) out.slope_over_r = -pair.inverse_r2 * ((r + ratio) * quarter + half_log);
  if (s > o) {
    // Where the atom is inside its neighbour, L = s - r and a term 2/L^2 is left, unless the published correction of
    // the integral, whose derivative is its opposite, is part of the model.
    const typename L::Integer is_inside = r < s - o;
    if (inside)
      out.integral +=
          L::select(is_inside, static_cast<Scalar>(2) * (of.inverse_offset_radius - inverse_lower), L::set(0));
    else if constexpr (Switches::gradient)
      out.slope_over_r +=
          L::select(is_inside, static_cast<Scalar>(2) * inverse_lower * inverse_lower * pair.inverse_r, L::set(0));
  }
  if constexpr (Switches::options) {
    const typename L::Integer reaches = r + s > L::set(o);
    out = select<L>(reaches, out, {L::set(0), L::set(0)});
  }
  return out;
}

/// The same where r >= o + |s| and r >= 2 |s|: with z = (s/r)^2 in [0, 1/4] the logarithm is a series,
///     2 I = 2 s^3/r^4 sum_k k/(2k+1) z^(k-1),   2 (dI/dr)/r = -2 s^3/r^6 sum_k k (2k+2)/(2k+1) z^(k-1)
/// and nothing cancels. The polynomials are minimax in relative error: 3e-8 and 1.3e-7 in float, 2e-17 and 2e-16 in
/// double.
template <class L, class Switches, class Atom>
BOLTZFLOW_INLINE Descreening<typename L::Vector> far_sphere(const PairDistance<typename L::Vector>& pair,
                                                            const Atom& by) {
  using Vector = typename L::Vector;
  const Vector z = by.scaled_radius_squared * pair.inverse_r2;
  Vector p, q = L::set(0);
  if constexpr (sizeof(typename L::Scalar) == 4) {
    p = horner<L>(z, 1.23939009f, 0.1462947181f, 0.5127424303f, 0.439130225f, 0.4287978309f, 0.3999964338f,
                  0.3333333424f);
    if constexpr (Switches::gradient)
      q = horner<L>(z, 22.3955803f, 0.307673602f, 6.590954161f, 4.341160417f, 3.432933758f, 2.399932158f, 1.333333503f);
  } else {
    p = horner<L>(z, 3.88173661770110277, -3.39679678082967182, 2.7378595785236939, -0.338340556506084416,
                  0.678871034173746537, 0.441686828374579475, 0.477910207793117972, 0.470219793632102123,
                  0.466689218953380656, 0.461537519678445148, 0.454545480116280649, 0.444444444027769269,
                  0.42857142857497396, 0.399999999999988125, 0.33333333333333334);
    if constexpr (Switches::gradient)
      q = horner<L>(z, 141.37111487581464, -130.698854192429502, 98.1985419026014086, -18.2646831023188827,
                    19.0085537606723595, 9.18350213010606906, 9.63157900758250528, 8.45686993804504194,
                    7.46750287342151445, 6.46150370811922308, 5.45454639280798675, 4.44444442925308032,
                    3.42857142869974671, 2.39999999999957382, 1.33333333333333357);
  }
  const Vector cube = by.twice_scaled_radius_cubed * pair.inverse_r2;
  return {cube * pair.inverse_r2 * p, -(cube * pair.inverse_r2 * pair.inverse_r2) * q};
}

/// A neck: height / (1 + 100 (r - d)^2 + 3e5 (r - d)^6) up to a cutoff; the height has the scale and the factor 2 in
/// it.
template <class L, class Switches>
BOLTZFLOW_INLINE Descreening<typename L::Vector> neck(const PairDistance<typename L::Vector>& pair,
                                                      typename L::Scalar height, typename L::Scalar distance,
                                                      typename L::Scalar cutoff_squared) {
  using Scalar = typename L::Scalar;
  using Vector = typename L::Vector;
  const typename L::Integer reaches = pair.r_squared <= L::set(cutoff_squared);
  // Bounded, so that powers of the distance between far atoms stay finite.
  const Vector x = L::min(L::set(1), pair.r - distance), x_squared = x * x, x_fourth = x_squared * x_squared;
  const Vector inverse = L::reciprocal(static_cast<Scalar>(1) + static_cast<Scalar>(100) * x_squared +
                                       static_cast<Scalar>(3e5) * x_fourth * x_squared);
  const Vector integral = L::select(reaches, height * inverse, L::set(0));
  const Vector slope = -integral * inverse * x * (static_cast<Scalar>(200) + static_cast<Scalar>(18e5) * x_fourth);
  return {integral, slope * pair.inverse_r};
}

}  // namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET
