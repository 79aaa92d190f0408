// SPDX-License-Identifier: MIT
#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET {
namespace {

using F = Lanes<float>;
using Vector = F::Vector;
using Integer = F::Integer;

/// The standard normal's quantile for p in (0, 0.5], 7 digits: Wichura, Applied Statistics 37 (1988) 477, PPND7.
BOLTZFLOW_INLINE Vector normal_quantile(Vector p) {
  const Vector q = p - 0.5f, r = 0.180625f - q * q;
  const Vector centre = q * (((59.109374720f * r + 159.29113202f) * r + 50.434271938f) * r + 3.3871327179f) /
                        (((67.187563600f * r + 78.757757664f) * r + 17.895169469f) * r + 1.0f);
  const Vector t = F::sqrt(F::max(-F::log(p), F::set(0.0f))) - 1.6f;
  const Vector tail = (((0.17023821103f * t + 1.3067284816f) * t + 2.7568153900f) * t + 1.4234372777f) /
                      ((0.12021132975f * t + 0.73700164250f) * t + 1.0f);
  return F::select(p < 0.075f, -tail, centre);
}

}  // namespace
}  // namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET

namespace boltzflow::BOLTZFLOW_SIMD_TARGET {

void base_samples_from_words(const uint32_t* words, const int32_t* mask, float* x, int64_t n) {
  using namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET;
  constexpr float below_truncation = 2.86651572e-7f;  // Phi(-5)
  typedef int32_t Unaligned __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
  for (int64_t i = 0; i < n; i += F::count) {
    const Integer word = *reinterpret_cast<const Unaligned*>(words + i),
                  circle = *reinterpret_cast<const Unaligned*>(mask + i);
    // The top bit chooses the side of the mean, the other 31 the probability of that side's tail: no bits are lost in
    // either tail, where a float near 1 would lose them.
    const Vector tail = (F::to_vector(word & 0x7fffffff) + 0.5f) * 0x1p-32f;
    const Vector deviation = normal_quantile(below_truncation + (1.0f - 2.0f * below_truncation) * tail);
    const Vector signed_deviation = F::select(word < 0, -deviation, deviation);
    const Vector normal = F::min(F::max(0.5f + 0.1f * signed_deviation, F::set(0x1p-24f)), F::set(1.0f - 0x1p-24f));
    const Vector uniform = (F::to_vector((word >> 8) & 0x00ffffff) + 0.5f) * 0x1p-24f;
    F::store(x + i, F::select(circle, F::min(uniform, F::set(1.0f - 0x1p-24f)), normal));
  }
}

}  // namespace boltzflow::BOLTZFLOW_SIMD_TARGET
