// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// A rational-quadratic spline of [-B, B] on itself with the identity outside, and after it a shift and a bounded
/// scale:
///     y = spline(x; widths, heights, slopes) exp(s) + t,   s = bounded_log_scale(raw), t and s only if
///     shifts_and_scales
/// The slopes at -B and B are 1, so that y is continuously differentiable. Parameters of a coordinate, unnormalised:
/// widths [K], heights [K], slopes [K - 1] of the inner knots, and t, raw.
/// @cite Durkan2019, "Neural spline flows", Eq. 4-8 and section 3.1 (tails).
struct TailedSplineShape {
  std::int64_t n_bins;      ///< K, [2, 64]
  double tail_bound;        ///< B
  double minimum_bin_size;  ///< of widths and heights, as fractions of 2 B
  double minimum_slope;
  bool shifts_and_scales;
  double maximum_log_scale;

  std::int64_t n_parameters() const noexcept { return 3 * n_bins - 1 + (shifts_and_scales ? 2 : 0); }
  /// The unnormalised value that makes a slope 1.
  double unit_slope_parameter() const;
};

/// @param x [m, n], any device, float32 or float64. @param parameters [m P, n], of x's type and device, the P rows of a
/// coordinate one after another. @return y and the sum of log dy/dx over coordinates; differentiable.
/// Plain tensor operations: the reference of the fused one, and what other devices and float64 run.
Density::Mapped composite_tailed_spline(const TailedSplineShape& shape, const at::Tensor& x,
                                        const at::Tensor& parameters, bool inverse);
/// The same for float32 on the CPU over flow/spline_kernels.hpp, as one autograd node; differentiable once. Threaded.
Density::Mapped fused_tailed_spline(const TailedSplineShape& shape, const at::Tensor& x, const at::Tensor& parameters,
                                    bool inverse);

}  // namespace boltzflow
