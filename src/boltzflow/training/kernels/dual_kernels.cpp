// SPDX-License-Identifier: MIT
#include "boltzflow/training/kernels/dual_kernels.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::BOLTZFLOW_SIMD_TARGET {

using F = simd::BOLTZFLOW_SIMD_TARGET::Lanes<double>;
using Vector = F::Vector;

DualSums dual_sums(const double* exponent, const double* log_prob, int64_t n, double inverse_scale) noexcept {
  Vector weight{}, weight_squared{}, first{}, second{}, l_first{}, l_second{}, cross{};
  const auto add = [&](Vector e, Vector l, F::Integer valid) {
    const Vector a = e * inverse_scale;
    // exp() is clamped far below; weights under e^-700 count as nothing.
    const Vector w = F::select((a > -700.0) & valid, F::exp(a), F::set(0.0));
    const Vector wa = w * a, wl = w * l;
    weight += w;
    weight_squared += w * w;
    first += wa;
    second += wa * a;
    l_first += wl;
    l_second += wl * l;
    cross += wa * l;
  };
  int64_t i = 0;
  const F::Integer all = F::set(0.0) == F::set(0.0);
  for (; i + F::count <= n; i += F::count) add(F::load(exponent + i), F::load(log_prob + i), all);
  for (; i < n; ++i) {
    F::Integer one{};
    one[0] = -1;
    add(F::set(exponent[i]), F::set(log_prob[i]), one);
  }
  return {F::sum(weight),  F::sum(weight_squared), F::sum(first), F::sum(second),
          F::sum(l_first), F::sum(l_second),       F::sum(cross)};
}

}  // namespace boltzflow::BOLTZFLOW_SIMD_TARGET
