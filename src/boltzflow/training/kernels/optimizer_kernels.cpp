// SPDX-License-Identifier: MIT
#include "boltzflow/training/kernels/optimizer_kernels.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::BOLTZFLOW_SIMD_TARGET {

using F = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>;
using Vector = F::Vector;

double sum_of_squares(const float* x, int64_t n) noexcept {
  // Lanes are flushed into a double every `block` elements, so that float rounding stays below 1e-5 for any n.
  constexpr int64_t block = 4096;
  double total = 0;
  int64_t i = 0;
  while (n - i >= 4 * F::count) {
    const int64_t end = n - i < block ? n : i + block;
    Vector a{}, b{}, c{}, d{};
    for (; i + 4 * F::count <= end; i += 4 * F::count) {
      const Vector p = F::load(x + i), q = F::load(x + i + F::count);
      const Vector r = F::load(x + i + 2 * F::count), s = F::load(x + i + 3 * F::count);
      a += p * p;
      b += q * q;
      c += r * r;
      d += s * s;
    }
    const Vector lanes = (a + b) + (c + d);
    for (int k = 0; k < F::count; ++k) total += double(lanes[k]);
  }
  for (; i < n; ++i) total += double(x[i]) * double(x[i]);
  return total;
}

namespace {
struct Moments {
  Vector parameter, first, second;
};

BOLTZFLOW_INLINE Moments update(Vector p, Vector m, Vector v, Vector gradient, const AdamCoefficients& c) {
  const Vector g = gradient * c.gradient_scale;
  m = m * c.beta1 + (1.0f - c.beta1) * g;
  v = v * c.beta2 + (1.0f - c.beta2) * (g * g);
  p = p * c.shrinkage - c.step_size * m / (F::sqrt(v * c.inverse_second_correction) + c.epsilon);
  return {p, m, v};
}
}  // namespace

void adam_update(float* parameter, float* first_moment, float* second_moment, float* average, const float* gradient,
                 int64_t n, const AdamCoefficients& c) noexcept {
  int64_t i = 0;
  for (; i + F::count <= n; i += F::count) {
    const Moments next =
        update(F::load(parameter + i), F::load(first_moment + i), F::load(second_moment + i), F::load(gradient + i), c);
    F::store(parameter + i, next.parameter);
    F::store(first_moment + i, next.first);
    F::store(second_moment + i, next.second);
    if (average != nullptr)
      F::store(average + i, F::load(average + i) * c.average_decay + (1.0f - c.average_decay) * next.parameter);
  }
  for (; i < n; ++i) {
    const Moments next =
        update(F::set(parameter[i]), F::set(first_moment[i]), F::set(second_moment[i]), F::set(gradient[i]), c);
    parameter[i] = next.parameter[0];
    first_moment[i] = next.first[0];
    second_moment[i] = next.second[0];
    if (average != nullptr) average[i] = average[i] * c.average_decay + (1.0f - c.average_decay) * parameter[i];
  }
}

}  // namespace boltzflow::BOLTZFLOW_SIMD_TARGET
