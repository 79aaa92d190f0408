// SPDX-License-Identifier: MIT
// Vectors of float and double for kernel files, on GCC vector types. Included only by kernel files, which are compiled
// once per instruction set with BOLTZFLOW_SIMD_TARGET defined (cmake/boltzflow_floors.cmake); everything here lives in
// a namespace of that name, so that no AVX-512 copy of a function can be linked into code that runs elsewhere.
//
// Lanes<float> and Lanes<double> carry the vector type, its lane count and the functions on it, so that one kernel
// template serves both precisions. AVX-512 intrinsics are called in their maskz form with a full mask: the same
// instruction, without the false alarm of g++ 12 over the uninitialised operand of the plain form. Accuracies are the
// largest errors measured by tests/base/test_simd.cpp.
#pragma once
#if !defined(BOLTZFLOW_SIMD_TARGET)
#error "vector-inl.hpp is for kernel files, compiled through boltzflow_floor(... KERNELS ...)"
#endif
#include <immintrin.h>
#include <stdint.h>

#define BOLTZFLOW_INLINE inline __attribute__((always_inline))

namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

template <class Scalar>
struct Lanes;

template <>
struct Lanes<float> {
  using Scalar = float;
  static constexpr int count = vector_bytes / 4;
  typedef float Vector __attribute__((vector_size(vector_bytes)));
  typedef int32_t Integer __attribute__((vector_size(vector_bytes)));  ///< also the mask: -1 true, 0 false
  typedef float Unaligned __attribute__((vector_size(vector_bytes), aligned(4), may_alias));

  static BOLTZFLOW_INLINE Vector set(float x) { return Vector{} + x; }
  static BOLTZFLOW_INLINE Vector load(const float* p) { return (Vector) * (const Unaligned*)p; }
  static BOLTZFLOW_INLINE void store(float* p, Vector v) { *(Unaligned*)p = (Unaligned)v; }
  static BOLTZFLOW_INLINE Vector select(Integer mask, Vector a, Vector b) { return mask ? a : b; }
  /// min and max return b where a is NaN, and NaN where b is.
  static BOLTZFLOW_INLINE Vector min(Vector a, Vector b) { return a < b ? a : b; }
  static BOLTZFLOW_INLINE Vector max(Vector a, Vector b) { return a > b ? a : b; }
  static BOLTZFLOW_INLINE Vector abs(Vector a) { return (Vector)((Integer)a & 0x7fffffff); }
  static BOLTZFLOW_INLINE Vector copysign(Vector magnitude, Vector sign) {
    return (Vector)(((Integer)magnitude & 0x7fffffff) | ((Integer)sign & (int32_t)0x80000000));
  }
  static BOLTZFLOW_INLINE Integer is_finite(Vector a) { return abs(a) < __builtin_inff(); }

  static BOLTZFLOW_INLINE Vector sqrt(Vector a) {
#if defined(__AVX512F__)
    return (Vector)_mm512_maskz_sqrt_ps(0xffff, (__m512)a);
#elif defined(__AVX2__)
    return (Vector)_mm256_sqrt_ps((__m256)a);
#else
    return (Vector)_mm_sqrt_ps((__m128)a);
#endif
  }
  /// 1/sqrt(a), relative error <= 1.5e-7; a > 0 normal. a = 0 gives NaN where an estimate is refined: guard it.
  static BOLTZFLOW_INLINE Vector rsqrt(Vector a) {
#if defined(__AVX512F__)
    const Vector y = (Vector)_mm512_maskz_rsqrt14_ps(0xffff, (__m512)a);
    return y * (1.5f - 0.5f * a * y * y);
#else
    return 1.0f / sqrt(a);
#endif
  }
  /// 1/a, relative error <= 1.2e-7; a normal and not 0.
  static BOLTZFLOW_INLINE Vector reciprocal(Vector a) {
#if defined(__AVX512F__)
    const Vector y = (Vector)_mm512_maskz_rcp14_ps(0xffff, (__m512)a);
    return y * (2.0f - a * y);
#else
    return 1.0f / a;
#endif
  }
  static BOLTZFLOW_INLINE Vector floor(Vector a) {
#if defined(__AVX512F__)
    return (Vector)_mm512_maskz_roundscale_ps(0xffff, (__m512)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return (Vector)_mm256_floor_ps((__m256)a);
#else
    return (Vector)_mm_floor_ps((__m128)a);
#endif
  }
  static BOLTZFLOW_INLINE Vector round(Vector a) {
#if defined(__AVX512F__)
    return (Vector)_mm512_maskz_roundscale_ps(0xffff, (__m512)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return (Vector)_mm256_round_ps((__m256)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    return (Vector)_mm_round_ps((__m128)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#endif
  }
  static BOLTZFLOW_INLINE Integer to_integer(Vector a) { return __builtin_convertvector(a, Integer); }
  static BOLTZFLOW_INLINE Vector to_vector(Integer a) { return __builtin_convertvector(a, Vector); }
  static BOLTZFLOW_INLINE float sum(Vector a) {
    float total = 0;
    for (int i = 0; i < count; ++i) total += a[i];
    return total;
  }

  /// exp, clamped to [-87.3, 88.0] before: never infinite or denormal. <= 1 ulp inside.
  static BOLTZFLOW_INLINE Vector exp(Vector x) {
    x = min(max(x, set(-87.3f)), set(88.0f));
    const Vector n = round(x * 1.44269504088896341f);
    const Vector r = (x - n * 0.693145751953125f) - n * 1.42860677e-6f;
    Vector p = set(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    return (Vector)((Integer)p + (to_integer(n) << 23));
  }
  /// Natural logarithm of a normal x > 0. <= 1 ulp. Other input gives garbage, never a trap: guard it.
  static BOLTZFLOW_INLINE Vector log(Vector x) {
    const Integer bits = (Integer)x;
    const Integer exponent = (bits - 0x3f3504f3) >> 23;
    const Vector m = (Vector)(bits - (exponent << 23)) - 1.0f;
    const Vector e = to_vector(exponent);
    Vector p = set(7.0376836292e-2f);
    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    const Vector z = m * m;
    Vector y = m * z * p;
    y += e * -2.12194440e-4f;
    y -= 0.5f * z;
    return (m + y) + e * 0.693359375f;
  }
  /// sin and cos of x in radians, |x| <= 1e4: absolute error <= 1e-7.
  static BOLTZFLOW_INLINE void sincos(Vector x, Vector& sine, Vector& cosine) {
    const Vector n = round(x * 0.636619772367581343f);
    Vector r = x - n * 1.5703125f;
    r -= n * 4.837512969970703125e-4f;
    r -= n * 7.54978995489188216e-8f;
    sincos_reduced(r, to_integer(n), sine, cosine);
  }
  /// sin and cos of 2 pi x, |x| <= 3 turns: absolute error <= 1e-7. Quarter turns are exact.
  static BOLTZFLOW_INLINE void sincos_turns(Vector x, Vector& sine, Vector& cosine) {
    const Vector n = round(x * 4.0f);
    sincos_reduced((x - n * 0.25f) * 6.283185307179586f, to_integer(n), sine, cosine);
  }
  /// Inverse cosine, input clamped to [-1, 1]; absolute error <= 3.5e-7, relative error near +1 <= 1.5e-7.
  static BOLTZFLOW_INLINE Vector acos(Vector x) {
    x = min(max(x, set(-1.0f)), set(1.0f));
    const Vector a = abs(x);
    const Integer large = a > 0.5f;
    const Vector z = select(large, 0.5f * (1.0f - a), a * a), s = select(large, sqrt(z), a);
    Vector p = set(4.2163199048e-2f);
    p = p * z + 2.4181311049e-2f;
    p = p * z + 4.5470025998e-2f;
    p = p * z + 7.4953002686e-2f;
    p = p * z + 1.6666752422e-1f;
    const Vector arcsine = p * z * s + s;  // asin(s)
    const Vector from_large = 2.0f * arcsine;
    return select(large, select(x < 0.0f, 3.14159265358979f - from_large, from_large),
                  1.57079632679490f - copysign(arcsine, x));
  }
  /// atan2(y, x) in (-pi, pi], finite arguments; absolute error <= 3e-7; atan2(0, 0) = 0.
  static BOLTZFLOW_INLINE Vector atan2(Vector y, Vector x) {
    const Vector ax = abs(x), ay = abs(y), small = min(ax, ay), large = max(ax, ay);
    const Vector t = small / max(large, set(1e-37f));
    const Integer middle = t > 0.414213562373095f;
    const Vector u = select(middle, (t - 1.0f) / (t + 1.0f), t), z = u * u;
    Vector p = set(8.05374449538e-2f);
    p = p * z - 1.38776856032e-1f;
    p = p * z + 1.99777106478e-1f;
    p = p * z - 3.33329491539e-1f;
    Vector angle = p * z * u + u + select(middle, set(0.785398163397448f), set(0.0f));
    angle = select(ay > ax, 1.57079632679490f - angle, angle);
    angle = select(x < 0.0f, 3.14159265358979f - angle, angle);
    return copysign(angle, y);
  }

 private:
  static BOLTZFLOW_INLINE void sincos_reduced(Vector r, Integer quadrant, Vector& sine, Vector& cosine) {
    const Vector z = r * r;
    const Vector s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
    const Vector c =
        ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
    const Integer odd = (quadrant & 1) != 0;
    sine = (Vector)((Integer)select(odd, c, s) ^ ((quadrant & 2) << 30));
    cosine = (Vector)((Integer)select(odd, s, c) ^ (((quadrant + 1) & 2) << 30));
  }
};

template <>
struct Lanes<double> {
  using Scalar = double;
  static constexpr int count = vector_bytes / 8;
  typedef double Vector __attribute__((vector_size(vector_bytes)));
  typedef int64_t Integer __attribute__((vector_size(vector_bytes)));
  typedef double Unaligned __attribute__((vector_size(vector_bytes), aligned(8), may_alias));

  static BOLTZFLOW_INLINE Vector set(double x) { return Vector{} + x; }
  static BOLTZFLOW_INLINE Vector load(const double* p) { return (Vector) * (const Unaligned*)p; }
  static BOLTZFLOW_INLINE void store(double* p, Vector v) { *(Unaligned*)p = (Unaligned)v; }
  static BOLTZFLOW_INLINE Vector select(Integer mask, Vector a, Vector b) { return mask ? a : b; }
  static BOLTZFLOW_INLINE Vector min(Vector a, Vector b) { return a < b ? a : b; }
  static BOLTZFLOW_INLINE Vector max(Vector a, Vector b) { return a > b ? a : b; }
  static BOLTZFLOW_INLINE Vector abs(Vector a) { return (Vector)((Integer)a & 0x7fffffffffffffffLL); }
  static BOLTZFLOW_INLINE Vector copysign(Vector magnitude, Vector sign) {
    return (Vector)(((Integer)magnitude & 0x7fffffffffffffffLL) | ((Integer)sign & (int64_t)0x8000000000000000LL));
  }
  static BOLTZFLOW_INLINE Integer is_finite(Vector a) { return abs(a) < __builtin_inf(); }
  static BOLTZFLOW_INLINE Vector sqrt(Vector a) {
#if defined(__AVX512F__)
    return (Vector)_mm512_maskz_sqrt_pd(0xff, (__m512d)a);
#elif defined(__AVX2__)
    return (Vector)_mm256_sqrt_pd((__m256d)a);
#else
    return (Vector)_mm_sqrt_pd((__m128d)a);
#endif
  }
  static BOLTZFLOW_INLINE Vector rsqrt(Vector a) { return 1.0 / sqrt(a); }
  static BOLTZFLOW_INLINE Vector reciprocal(Vector a) { return 1.0 / a; }
  static BOLTZFLOW_INLINE Vector floor(Vector a) {
#if defined(__AVX512F__)
    return (Vector)_mm512_maskz_roundscale_pd(0xff, (__m512d)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return (Vector)_mm256_floor_pd((__m256d)a);
#else
    return (Vector)_mm_floor_pd((__m128d)a);
#endif
  }
  static BOLTZFLOW_INLINE Vector round(Vector a) {
#if defined(__AVX512F__)
    return (Vector)_mm512_maskz_roundscale_pd(0xff, (__m512d)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__AVX2__)
    return (Vector)_mm256_round_pd((__m256d)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    return (Vector)_mm_round_pd((__m128d)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#endif
  }
  /// Exact for |a| < 2^51: the integer sits in the low mantissa bits of a + 1.5 * 2^52.
  static BOLTZFLOW_INLINE Integer to_integer(Vector a) {
    return (Integer)(round(a) + 6755399441055744.0) - 0x4338000000000000LL;
  }
  static BOLTZFLOW_INLINE Vector to_vector(Integer a) {
    return (Vector)(a + 0x4338000000000000LL) - 6755399441055744.0;
  }
  static BOLTZFLOW_INLINE double sum(Vector a) {
    double total = 0;
    for (int i = 0; i < count; ++i) total += a[i];
    return total;
  }

  /// exp, clamped to [-708, 709]; relative error <= 2.5e-16. Rational form after Cephes exp.c.
  static BOLTZFLOW_INLINE Vector exp(Vector x) {
    x = min(max(x, set(-708.0)), set(709.0));
    const Vector n = round(x * 1.4426950408889634073599);
    const Vector r = (x - n * 6.93145751953125e-1) - n * 1.42860682030941723212e-6;
    const Vector z = r * r;
    const Vector p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 9.99999999999999999910e-1);
    const Vector q = ((3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1) * z +
                     2.00000000000000000009e0;
    const Vector e = 1.0 + 2.0 * (p / (q - p));
    return (Vector)((Integer)e + (to_integer(n) << 52));
  }
  /// Natural logarithm of a normal x > 0; relative error <= 2e-16. Rational form after Cephes log.c.
  static BOLTZFLOW_INLINE Vector log(Vector x) {
    const Integer bits = (Integer)x;
    const Integer exponent = (bits - 0x3fe6a09e667f3bcdLL) >> 52;  // mantissa in [sqrt(1/2), sqrt(2))
    const Vector m = (Vector)(bits - (exponent << 52)) - 1.0;
    const Vector e = to_vector(exponent);
    Vector p = set(1.01875663804580931796e-4);
    p = p * m + 4.97494994976747001425e-1;
    p = p * m + 4.70579119878881725854e0;
    p = p * m + 1.44989225341610930846e1;
    p = p * m + 1.79368678507819816313e1;
    p = p * m + 7.70838733755885391666e0;
    Vector q = m + 1.12873587189167450590e1;
    q = q * m + 4.52279145837532221105e1;
    q = q * m + 8.29875266912776603211e1;
    q = q * m + 7.11544750618563894466e1;
    q = q * m + 2.31251620126765340583e1;
    const Vector z = m * m;
    Vector y = m * (z * p / q);
    y -= e * 2.121944400546905827679e-4;
    y -= 0.5 * z;
    return (m + y) + e * 0.693359375;
  }
  /// sin and cos of x in radians, |x| <= 1e6: absolute error <= 2e-16.
  static BOLTZFLOW_INLINE void sincos(Vector x, Vector& sine, Vector& cosine) {
    const Vector n = round(x * 6.36619772367581382433e-1);
    Vector r = x - n * 1.57079625129699707031;
    r -= n * 7.54978941586159635336e-8;
    r -= n * 5.39030285815811905290e-15;
    sincos_reduced(r, to_integer(n), sine, cosine);
  }
  /// sin and cos of 2 pi x, |x| <= 3 turns: absolute error <= 2e-16. Quarter turns are exact.
  static BOLTZFLOW_INLINE void sincos_turns(Vector x, Vector& sine, Vector& cosine) {
    const Vector n = round(x * 4.0);
    sincos_reduced((x - n * 0.25) * 6.283185307179586476925, to_integer(n), sine, cosine);
  }
  /// Inverse cosine, input clamped to [-1, 1]; absolute error <= 5e-16, relative error near +1 <= 4e-16.
  static BOLTZFLOW_INLINE Vector acos(Vector x) {
    x = min(max(x, set(-1.0)), set(1.0));
    const Vector sine = sqrt((1.0 - x) * (1.0 + x));
    return atan2(sine, x);
  }
  /// atan2(y, x) in (-pi, pi], finite arguments; absolute error <= 5e-16. Rational form after Cephes atan.c.
  static BOLTZFLOW_INLINE Vector atan2(Vector y, Vector x) {
    const Vector ax = abs(x), ay = abs(y), small = min(ax, ay), large = max(ax, ay);
    const Vector t = small / max(large, set(1e-300));
    const Integer middle = t > 0.66;
    const Vector u = select(middle, (t - 1.0) / (t + 1.0), t), z = u * u;
    Vector p = set(-8.750608600031904122785e-1);
    p = p * z - 1.615753718733365076637e1;
    p = p * z - 7.500855792314704667340e1;
    p = p * z - 1.228866684490136173410e2;
    p = p * z - 6.485021904942025371773e1;
    Vector q = z + 2.485846490142306297962e1;
    q = q * z + 1.650270098316988542046e2;
    q = q * z + 4.328810604912902668951e2;
    q = q * z + 4.853903996359136964868e2;
    q = q * z + 1.945506571482613964425e2;
    Vector angle = u + u * (z * p / q);
    angle += select(middle, set(0.78539816339744830962), set(0.0));
    angle = select(ay > ax, 1.57079632679489661923 - angle, angle);
    angle = select(x < 0.0, 3.14159265358979323846 - angle, angle);
    return copysign(angle, y);
  }

 private:
  static BOLTZFLOW_INLINE void sincos_reduced(Vector r, Integer quadrant, Vector& sine, Vector& cosine) {
    const Vector z = r * r;
    Vector s = set(1.58962301576546568060e-10);
    s = s * z - 2.50507477628578072866e-8;
    s = s * z + 2.75573136213857245213e-6;
    s = s * z - 1.98412698295895385996e-4;
    s = s * z + 8.33333333332211858878e-3;
    s = s * z - 1.66666666666666307295e-1;
    s = r + r * z * s;
    Vector c = set(-1.13585365213876817300e-11);
    c = c * z + 2.08757008419747316778e-9;
    c = c * z - 2.75573141792967388112e-7;
    c = c * z + 2.48015872888517045348e-5;
    c = c * z - 1.38888888888730564116e-3;
    c = c * z + 4.16666666666665929218e-2;
    c = 1.0 - 0.5 * z + z * z * c;
    const Integer odd = (quadrant & 1) != 0;
    sine = (Vector)((Integer)select(odd, c, s) ^ ((quadrant & 2) << 62));
    cosine = (Vector)((Integer)select(odd, s, c) ^ (((quadrant + 1) & 2) << 62));
  }
};

}  // namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET
