// SPDX-License-Identifier: MIT
#include "boltzflow/flow/kernels/rational_quadratic_spline-inl.hpp"

namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET {
namespace {

template <bool inverse>
void any_spline(const SplineShape& shape, const SplineRows& parameters, const float* x, float* y, float* log_det,
                std::ptrdiff_t n_samples) {
  (shape.n_bins == 8 ? &spline<inverse, 8> : &spline<inverse, 0>)(shape, parameters, x, y, log_det, n_samples);
}

template <bool inverse>
void any_spline_backward(const SplineShape& shape, const SplineRows& parameters, const float* x,
                         const float* y_gradient, const float* log_det_gradient, float* x_gradient,
                         const SplineGradientRows& gradients, std::ptrdiff_t n_samples) {
  (shape.n_bins == 8 ? &spline_backward<inverse, 8> : &spline_backward<inverse, 0>)(shape, parameters, x, y_gradient,
                                                                                    log_det_gradient, x_gradient,
                                                                                    gradients, n_samples);
}

void embed_circular(const float* x, float* cosine, float* sine, std::ptrdiff_t n_samples) {
  std::ptrdiff_t i = 0;
  Vector s, c;
  for (; i + F::count <= n_samples; i += F::count) {
    F::sincos_turns(F::load(x + i), s, c);
    F::store(cosine + i, c);
    F::store(sine + i, s);
  }
  for (; i < n_samples; ++i) {
    F::sincos_turns(F::set(x[i]), s, c);
    cosine[i] = c[0], sine[i] = s[0];
  }
}

void embed_circular_backward(const float* cosine, const float* sine, const float* cosine_gradient,
                             const float* sine_gradient, float* x_gradient, std::ptrdiff_t n_samples) {
  for (std::ptrdiff_t i = 0; i < n_samples; ++i) {
    x_gradient[i] += 6.283185307179586f * (cosine[i] * sine_gradient[i] - sine[i] * cosine_gradient[i]);
  }
}

void embed_interval(const float* x, float* feature, std::ptrdiff_t n_samples) {
  for (std::ptrdiff_t i = 0; i < n_samples; ++i) feature[i] = interval_feature_scale * (x[i] - 0.5f);
}

void embed_interval_backward(const float* feature_gradient, float* x_gradient, std::ptrdiff_t n_samples) {
  for (std::ptrdiff_t i = 0; i < n_samples; ++i) x_gradient[i] += interval_feature_scale * feature_gradient[i];
}

/// A sum just below a whole number may round to a fraction of 1: that is the point 0 of the circle.
void shift_circle(const float* x, float shift, float* y, std::ptrdiff_t n_samples) {
  std::ptrdiff_t i = 0;
  const auto shifted = [shift](Vector value) __attribute__((always_inline)) {
    const Vector moved = value + shift, fraction = moved - F::floor(moved);
    return F::select(fraction < 1.0f, fraction, F::set(0.0f));
  };
  for (; i + F::count <= n_samples; i += F::count) F::store(y + i, shifted(F::load(x + i)));
  for (; i < n_samples; ++i) y[i] = shifted(F::set(x[i]))[0];
}

}  // namespace
}  // namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET

namespace boltzflow::BOLTZFLOW_SIMD_TARGET {
namespace target = boltzflow::simd::BOLTZFLOW_SIMD_TARGET;

const SplineKernels spline_kernels = {
    .forward = &target::any_spline<false>,
    .inverse = &target::any_spline<true>,
    .forward_backward = &target::any_spline_backward<false>,
    .inverse_backward = &target::any_spline_backward<true>,
    .embed_circular = &target::embed_circular,
    .embed_circular_backward = &target::embed_circular_backward,
    .embed_interval = &target::embed_interval,
    .embed_interval_backward = &target::embed_interval_backward,
    .shift_circle = &target::shift_circle,
};

}  // namespace boltzflow::BOLTZFLOW_SIMD_TARGET
