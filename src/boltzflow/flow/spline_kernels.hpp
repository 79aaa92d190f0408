// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

namespace boltzflow {

/// What all splines of a flow share.
struct SplineShape {
  int n_bins;              ///< K, [2, 64]
  float minimum_bin_size;  ///< of widths and heights; K minimum_bin_size < 1
  float minimum_slope;     ///< > 0
};
inline constexpr int maximum_bins = 64;

/// Unnormalised parameters of one dimension's spline for n samples, feature-major: row k of widths is at
/// widths + k * stride and holds one value per sample. Rows need no alignment.
struct SplineRows {
  const float* widths;      ///< K rows
  const float* heights;     ///< K rows
  const float* slopes;      ///< K rows, of knots 0 .. K-1
  const float* last_slope;  ///< one row, of knot K; the same pointer as slopes makes the dimension circular
  std::ptrdiff_t stride;    ///< floats between rows
};

/// Where the gradients of those parameters go; each is overwritten, not added to. They may be the parameter rows
/// themselves. For a circular dimension last_slope is ignored and its gradient is added to row 0 of slopes.
struct SplineGradientRows {
  float* widths;
  float* heights;
  float* slopes;
  float* last_slope;
  std::ptrdiff_t stride;
};

/// The spline and embedding kernels of one instruction set: plain functions over raw pointers, for one dimension at a
/// time and any n_samples >= 0 (whole vectors are fastest), no threads, no allocation, reentrant.
///
/// The spline maps [0,1] to [0,1] (Durkan2019, Eq. 4-8) with, for unnormalised parameters u,
///     width_k  = m + (1 - K m) softmax(u_widths)_k      m = minimum_bin_size, heights alike
///     slope_k  = minimum_slope + log(1 + exp(u_slopes_k))
/// Input outside [0,1] is clamped (and gets gradient 0 in x), the discriminant of the inverse is clamped at 0, and so
/// outputs are in [0,1] and nothing is ever NaN for finite input. A NaN in x gives NaN in log_det.
/// Accuracy against the float64 reference: tests/flow/test_spline.cpp.
struct SplineKernels {
  /// y = f(x); log_det[n] += log f'(x[n]). y may be x.
  void (*forward)(const SplineShape& shape, const SplineRows& parameters, const float* x, float* y, float* log_det,
                  std::ptrdiff_t n_samples);
  /// y = f^-1(x); log_det[n] += log (f^-1)'(x[n]). y may be x.
  void (*inverse)(const SplineShape& shape, const SplineRows& parameters, const float* x, float* y, float* log_det,
                  std::ptrdiff_t n_samples);
  /// Given x (the input of forward), dL/dy and dL/dlog_det: writes dL/dx and dL/dparameters.
  /// x_gradient may be y_gradient.
  void (*forward_backward)(const SplineShape& shape, const SplineRows& parameters, const float* x,
                           const float* y_gradient, const float* log_det_gradient, float* x_gradient,
                           const SplineGradientRows& gradients, std::ptrdiff_t n_samples);
  /// The same for inverse: x is the input of inverse.
  void (*inverse_backward)(const SplineShape& shape, const SplineRows& parameters, const float* x,
                           const float* y_gradient, const float* log_det_gradient, float* x_gradient,
                           const SplineGradientRows& gradients, std::ptrdiff_t n_samples);

  /// Features of a circular dimension: cos 2 pi x and sin 2 pi x.
  void (*embed_circular)(const float* x, float* cosine, float* sine, std::ptrdiff_t n_samples);
  /// x_gradient += 2 pi (cosine sine_gradient - sine cosine_gradient), from the features that embed_circular wrote.
  void (*embed_circular_backward)(const float* cosine, const float* sine, const float* cosine_gradient,
                                  const float* sine_gradient, float* x_gradient, std::ptrdiff_t n_samples);
  /// Feature of an interval dimension: interval_feature_scale (x - 0.5), so that the base density N(0.5, 0.1) enters
  /// the network centred and of order one.
  void (*embed_interval)(const float* x, float* feature, std::ptrdiff_t n_samples);
  /// x_gradient += interval_feature_scale feature_gradient.
  void (*embed_interval_backward)(const float* feature_gradient, float* x_gradient, std::ptrdiff_t n_samples);
  /// y = (x + shift) mod 1, in [0, 1); the gradient passes unchanged. y may be x.
  void (*shift_circle)(const float* x, float shift, float* y, std::ptrdiff_t n_samples);
};
inline constexpr float interval_feature_scale = 4.0f;

/// The kernels for this CPU; see instruction_set().
const SplineKernels& spline_kernels();

namespace baseline {
extern const SplineKernels spline_kernels;
}
namespace avx2 {
extern const SplineKernels spline_kernels;
}
namespace avx512 {
extern const SplineKernels spline_kernels;
}

}  // namespace boltzflow
