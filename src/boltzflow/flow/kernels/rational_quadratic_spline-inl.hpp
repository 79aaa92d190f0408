// SPDX-License-Identifier: MIT
// Rational-quadratic spline on feature-major rows, one lane group of samples at a time; Durkan2019, Eq. 4-8, in the
// symbols of flow/reference/rational_quadratic_spline.cpp. With theta in [0,1] the place inside the bin, s = height /
// width, d0 and d1 the slopes at its ends, t = theta (1 - theta):
//     A = s theta^2 + d0 t,   B = s (1 - 2t) + (d0 + d1) t,   C = d1 theta^2 + 2 s t + d0 (1 - theta)^2
//     y = y_k + height A / B,   dy/dx = s^2 C / B^2
// B is written as a sum of positive terms (not s + (d0 + d1 - 2s) t): it cannot cancel.
#pragma once
#include "boltzflow/base/simd/vector-inl.hpp"
#include "boltzflow/flow/spline_kernels.hpp"

namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET {

using F = Lanes<float>;
using Vector = F::Vector;
using Integer = F::Integer;

BOLTZFLOW_INLINE Vector clamp_to_unit(Vector x) { return F::min(F::max(x, F::set(0.0f)), F::set(1.0f)); }

/// log(1 + exp(x)); x above 1e6 counts as 1e6, so that products of slopes stay finite.
BOLTZFLOW_INLINE Vector softplus(Vector x) {
  x = F::min(x, F::set(1e6f));
  const Vector e = F::exp(-F::abs(x)), u = 1.0f + e;
  return F::max(x, F::set(0.0f)) + (F::log(u) + (e - (u - 1.0f)) * F::reciprocal(u));
}
BOLTZFLOW_INLINE Vector logistic(Vector x) {
  const Vector e = F::exp(-F::abs(x)), r = F::reciprocal(1.0f + e);
  return F::select(x < 0.0f, e * r, r);
}

/// The bin that holds x, and what the backward pass needs of the search. Bins is K where it is known at compile time,
/// else 0.
template <int Bins>
struct Bin {
  static constexpr int capacity = Bins > 0 ? Bins : maximum_bins;
  Vector x_start, width, y_start, height, raw_slope0, raw_slope1, slope0, slope1;
  Vector width_share[capacity], height_share[capacity];  ///< softmax of the parameters
  Integer reached[capacity];                             ///< x is in bin k or a later one
};

BOLTZFLOW_INLINE void softmax(const float* parameters, std::ptrdiff_t stride, int n_bins, Vector* share) {
  Vector largest = F::load(parameters);
  for (int k = 0; k < n_bins; ++k) {
    share[k] = F::load(parameters + k * stride);
    largest = F::max(largest, share[k]);
  }
  Vector sum = F::set(0.0f);
  for (int k = 0; k < n_bins; ++k) {
    share[k] = F::exp(share[k] - largest);
    sum += share[k];
  }
  const Vector scale = F::reciprocal(sum);
  for (int k = 0; k < n_bins; ++k) share[k] *= scale;
}

template <bool inverse, int Bins>
BOLTZFLOW_INLINE void find_bin(const SplineShape& shape, const SplineRows& p, std::ptrdiff_t i, Vector x,
                               Bin<Bins>& bin) {
  const int n_bins = Bins > 0 ? Bins : shape.n_bins;
  if (n_bins < 2 || n_bins > maximum_bins) __builtin_unreachable();
  const float smallest = shape.minimum_bin_size, rest = 1.0f - static_cast<float>(n_bins) * smallest;
  softmax(p.widths + i, p.stride, n_bins, bin.width_share);
  softmax(p.heights + i, p.stride, n_bins, bin.height_share);
  const auto slope_row = [&](int k) __attribute__((always_inline)) {
    return F::load(k == n_bins ? p.last_slope + i : p.slopes + i + k * p.stride);
  };
  bin.x_start = F::set(0.0f), bin.y_start = F::set(0.0f);
  bin.reached[0] = bin.x_start == bin.x_start;
  bin.width = smallest + rest * bin.width_share[0], bin.height = smallest + rest * bin.height_share[0];
  bin.raw_slope0 = slope_row(0), bin.raw_slope1 = slope_row(1);
  Vector x_edge = bin.width, y_edge = bin.height;
  for (int k = 1; k < n_bins; ++k) {
    const Vector width = smallest + rest * bin.width_share[k], height = smallest + rest * bin.height_share[k];
    const Integer here = inverse ? x >= y_edge : x >= x_edge;
    bin.reached[k] = here;
    bin.x_start = F::select(here, x_edge, bin.x_start), bin.y_start = F::select(here, y_edge, bin.y_start);
    bin.width = F::select(here, width, bin.width), bin.height = F::select(here, height, bin.height);
    bin.raw_slope0 = F::select(here, slope_row(k), bin.raw_slope0);
    bin.raw_slope1 = F::select(here, slope_row(k + 1), bin.raw_slope1);
    x_edge += width, y_edge += height;
  }
  bin.slope0 = shape.minimum_slope + softplus(bin.raw_slope0);
  bin.slope1 = shape.minimum_slope + softplus(bin.raw_slope1);
}

/// The place theta inside the bin: linear forwards; backwards the root in [0,1] of a theta^2 + b theta + c = 0 with
/// a = h (s - d0) + q (d0 + d1 - 2s), b = h s - a, c = -s q, q = x - y_k, in the one of its two forms that does not
/// cancel.
template <bool inverse, int Bins>
BOLTZFLOW_INLINE Vector place_in_bin(const Bin<Bins>& bin, Vector x, Vector inverse_width, Vector s) {
  if constexpr (!inverse) return clamp_to_unit((x - bin.x_start) * inverse_width);
  const Vector q = F::min(F::max(x - bin.y_start, F::set(0.0f)), bin.height), left = bin.height - q;
  const Vector b = left * bin.slope0 - q * bin.slope1 + 2.0f * q * s;
  const Vector a = bin.height * s - b;
  const Vector root = F::sqrt(F::max(b * b + 4.0f * a * (s * q), F::set(0.0f)));
  const Integer positive = b > 0.0f;
  return clamp_to_unit(F::select(positive, 2.0f * s * q, root - b) / F::select(positive, b + root, 2.0f * a));
}

template <bool inverse, int Bins>
BOLTZFLOW_INLINE void spline_group(const SplineShape& shape, const SplineRows& p, const float* x_row, float* y_row,
                                   float* log_det, std::ptrdiff_t i) {
  const Vector x_given = F::load(x_row + i), x = clamp_to_unit(x_given);
  Bin<Bins> bin;
  find_bin<inverse>(shape, p, i, x, bin);
  const Vector inverse_width = F::reciprocal(bin.width), s = bin.height * inverse_width;
  const Vector theta = place_in_bin<inverse>(bin, x, inverse_width, s);
  const Vector u = 1.0f - theta, t = theta * u;
  const Vector inverse_b = F::reciprocal(s * (1.0f - 2.0f * t) + (bin.slope0 + bin.slope1) * t);
  const Vector c = bin.slope1 * theta * theta + 2.0f * s * t + bin.slope0 * u * u, ratio = s * inverse_b;
  Vector y;
  if constexpr (inverse) {
    y = bin.x_start + theta * bin.width;
  } else {
    y = bin.y_start + bin.height * (s * theta * theta + bin.slope0 * t) * inverse_b;
  }
  F::store(y_row + i, clamp_to_unit(y));
  const Vector change = F::select(x_given == x_given, F::log(ratio * ratio * c), x_given);
  F::store(log_det + i, inverse ? F::load(log_det + i) - change : F::load(log_det + i) + change);
}

template <bool inverse, int Bins>
BOLTZFLOW_INLINE void spline_backward_group(const SplineShape& shape, const SplineRows& p, const float* x_row,
                                            const float* y_gradient, const float* log_det_gradient, float* x_gradient,
                                            const SplineGradientRows& g, std::ptrdiff_t i) {
  const int n_bins = Bins > 0 ? Bins : shape.n_bins;
  if (n_bins < 2 || n_bins > maximum_bins) __builtin_unreachable();
  const float rest = 1.0f - static_cast<float>(n_bins) * shape.minimum_bin_size;
  const Vector zero = F::set(0.0f), x_given = F::load(x_row + i), x = clamp_to_unit(x_given);
  Bin<Bins> bin;
  find_bin<inverse>(shape, p, i, x, bin);
  const Vector inverse_width = F::reciprocal(bin.width), s = bin.height * inverse_width;
  const Vector d0 = bin.slope0, d1 = bin.slope1, theta = place_in_bin<inverse>(bin, x, inverse_width, s);
  const Vector u = 1.0f - theta, t = theta * u, u_minus_theta = u - theta;
  const Vector a = s * theta * theta + d0 * t, inverse_b = F::reciprocal(s * (1.0f - 2.0f * t) + (d0 + d1) * t);
  const Vector c = d1 * theta * theta + 2.0f * s * t + d0 * u * u, inverse_c = F::reciprocal(c);
  const Vector a_theta = 2.0f * s * theta + d0 * u_minus_theta, b_theta = (d0 + d1 - 2.0f * s) * u_minus_theta;
  const Vector c_theta = 2.0f * (d1 * theta + s * u_minus_theta - d0 * u);

  Vector to_y = F::load(y_gradient + i), to_log = F::load(log_det_gradient + i), to_x;
  if constexpr (inverse) {
    // y = f^-1(x; p) and log_det = -log f'(y; p), so dL = mu dy - to_log dlog f' with dy = (dx - f_p dp) / f'. The
    // parameters' part is that of the forward pass at y with the gradients -mu' = -(to_y - to_log dlog f'/dy) / f' and
    // -to_log.
    const Vector slope = s * s * c * inverse_b * inverse_b;
    const Vector log_slope_y = (c_theta * inverse_c - 2.0f * b_theta * inverse_b) * inverse_width;
    to_x = (to_y - to_log * log_slope_y) / slope;
    to_y = -to_x;
    to_log = -to_log;
  }
  const Vector value = a * inverse_b;
  const Vector to_a = to_y * bin.height * inverse_b, to_b = -to_a * value - 2.0f * to_log * inverse_b,
               to_c = to_log * inverse_c;
  const Vector to_s =
      2.0f * to_log * F::reciprocal(s) + to_a * theta * theta + to_b * (1.0f - 2.0f * t) + 2.0f * to_c * t;
  const Vector to_d0 = (to_a + to_b) * t + to_c * u * u, to_d1 = to_b * t + to_c * theta * theta;
  const Vector to_theta = to_a * a_theta + to_b * b_theta + to_c * c_theta;
  const Vector to_x_start = -to_theta * inverse_width, to_y_start = to_y;
  const Vector to_width = -(to_theta * theta + to_s * s) * inverse_width,
               to_height = to_y * value + to_s * inverse_width;
  if constexpr (!inverse) to_x = to_theta * inverse_width;
  F::store(x_gradient + i, F::select(x_given == x, to_x, zero));

  const Vector to_raw0 = to_d0 * logistic(bin.raw_slope0), to_raw1 = to_d1 * logistic(bin.raw_slope1);
  const Integer nowhere = zero != zero;
  // A width before the bin moves its start, the bin's own width the bin's end, a later one nothing; then through the
  // softmax.
  Vector width_mean = zero, height_mean = zero;
  for (int k = 0; k < n_bins; ++k) {
    const Integer after = k == n_bins - 1 ? nowhere : bin.reached[k + 1];
    const Vector w = F::select(after, to_x_start, F::select(bin.reached[k], to_width, zero));
    const Vector h = F::select(after, to_y_start, F::select(bin.reached[k], to_height, zero));
    width_mean += w * bin.width_share[k], height_mean += h * bin.height_share[k];
  }
  Integer before = nowhere;  // x is in bin k - 1
  for (int k = 0; k < n_bins; ++k) {
    const Integer after = k == n_bins - 1 ? nowhere : bin.reached[k + 1], here = bin.reached[k] & ~after;
    const Vector w = F::select(after, to_x_start, F::select(here, to_width, zero));
    const Vector h = F::select(after, to_y_start, F::select(here, to_height, zero));
    F::store(g.widths + k * g.stride + i, rest * bin.width_share[k] * (w - width_mean));
    F::store(g.heights + k * g.stride + i, rest * bin.height_share[k] * (h - height_mean));
    F::store(g.slopes + k * g.stride + i, F::select(here, to_raw0, F::select(before, to_raw1, zero)));
    before = here;
  }
  const Vector last = F::select(before, to_raw1, zero);
  if (p.last_slope == p.slopes) {
    F::store(g.slopes + i, F::load(g.slopes + i) + last);
  } else {
    F::store(g.last_slope + i, last);
  }
}

/// Copies the last, incomplete lane group of every row beside each other, so that one code path serves all samples.
/// Missing lanes hold zeros, which are valid parameters.
struct Tail {
  static constexpr int n_rows = 3 * maximum_bins + 1;
  float rows[n_rows][F::count];
  float x[F::count], y[F::count], log_det[F::count], y_gradient[F::count];

  static void copy(const float* from, float* to, std::ptrdiff_t count) {
    for (std::ptrdiff_t i = 0; i < F::count; ++i) to[i] = i < count ? from[i] : 0.0f;
  }
  static void copy_back(const float* from, float* to, std::ptrdiff_t count) {
    for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = from[i];
  }
  SplineRows gather(const SplineShape& shape, const SplineRows& p, std::ptrdiff_t start, std::ptrdiff_t count) {
    const int n = shape.n_bins;
    for (int k = 0; k < n; ++k) {
      copy(p.widths + k * p.stride + start, rows[k], count);
      copy(p.heights + k * p.stride + start, rows[n + k], count);
      copy(p.slopes + k * p.stride + start, rows[2 * n + k], count);
    }
    copy(p.last_slope + start, rows[3 * n], count);
    return {rows[0], rows[n], rows[2 * n], p.last_slope == p.slopes ? rows[2 * n] : rows[3 * n], F::count};
  }
  void scatter(const SplineShape& shape, const SplineGradientRows& g, bool circular, std::ptrdiff_t start,
               std::ptrdiff_t count) {
    const int n = shape.n_bins;
    for (int k = 0; k < n; ++k) {
      copy_back(rows[k], g.widths + k * g.stride + start, count);
      copy_back(rows[n + k], g.heights + k * g.stride + start, count);
      copy_back(rows[2 * n + k], g.slopes + k * g.stride + start, count);
    }
    if (!circular) copy_back(rows[3 * n], g.last_slope + start, count);
  }
};

template <bool inverse, int Bins>
void spline(const SplineShape& shape, const SplineRows& p, const float* x, float* y, float* log_det,
            std::ptrdiff_t n_samples) {
  std::ptrdiff_t i = 0;
  for (; i + F::count <= n_samples; i += F::count) spline_group<inverse, Bins>(shape, p, x, y, log_det, i);
  if (const std::ptrdiff_t count = n_samples - i; count > 0) {
    Tail tail;
    const SplineRows rows = tail.gather(shape, p, i, count);
    Tail::copy(x + i, tail.x, count);
    Tail::copy(log_det + i, tail.log_det, count);
    spline_group<inverse, Bins>(shape, rows, tail.x, tail.y, tail.log_det, 0);
    Tail::copy_back(tail.y, y + i, count);
    Tail::copy_back(tail.log_det, log_det + i, count);
  }
}

template <bool inverse, int Bins>
void spline_backward(const SplineShape& shape, const SplineRows& p, const float* x, const float* y_gradient,
                     const float* log_det_gradient, float* x_gradient, const SplineGradientRows& g,
                     std::ptrdiff_t n_samples) {
  std::ptrdiff_t i = 0;
  for (; i + F::count <= n_samples; i += F::count) {
    spline_backward_group<inverse, Bins>(shape, p, x, y_gradient, log_det_gradient, x_gradient, g, i);
  }
  if (const std::ptrdiff_t count = n_samples - i; count > 0) {
    Tail tail;
    const SplineRows rows = tail.gather(shape, p, i, count);
    Tail::copy(x + i, tail.x, count);
    Tail::copy(y_gradient + i, tail.y_gradient, count);
    Tail::copy(log_det_gradient + i, tail.log_det, count);
    const int n = shape.n_bins;
    const SplineGradientRows gradients{tail.rows[0], tail.rows[n], tail.rows[2 * n], tail.rows[3 * n], F::count};
    spline_backward_group<inverse, Bins>(shape, rows, tail.x, tail.y_gradient, tail.log_det, tail.y, gradients, 0);
    Tail::copy_back(tail.y, x_gradient + i, count);
    tail.scatter(shape, g, p.last_slope == p.slopes, i, count);
  }
}

}  // namespace boltzflow::simd::BOLTZFLOW_SIMD_TARGET
