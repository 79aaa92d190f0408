// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/tailed_spline.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "boltzflow/flow/composite_coupling.hpp"
#include "boltzflow/flow/euclidean/affine_map.hpp"

namespace boltzflow {

double TailedSplineShape::unit_slope_parameter() const { return std::log(std::expm1(1.0 - minimum_slope)); }

Density::Mapped composite_tailed_spline(const TailedSplineShape& shape, const at::Tensor& x_given,
                                        const at::Tensor& parameters, bool inverse) {
  const std::int64_t k = shape.n_bins, m = x_given.size(0), n = x_given.size(1);
  const double bound = shape.tail_bound;
  const at::Tensor by_coordinate = parameters.view({m, shape.n_parameters(), n});
  const auto rows = [&](std::int64_t first, std::int64_t count) {
    return by_coordinate.narrow(1, first, count).transpose(1, 2);  // [m, n, count]
  };
  at::Tensor x = x_given, shift, log_scale;
  if (shape.shifts_and_scales) {
    shift = by_coordinate.select(1, 3 * k - 1);
    log_scale = bounded_log_scale(by_coordinate.select(1, 3 * k), shape.maximum_log_scale);
    if (inverse) x = (x - shift) * at::exp(-log_scale);
  }
  const at::Tensor end_slope = at::full({m, n, 1}, shape.unit_slope_parameter(), x.options().requires_grad(false));
  const auto spline = composite_spline((x + bound) / (2 * bound), rows(0, k), rows(k, k),
                                       at::cat({end_slope, rows(2 * k, k - 1), end_slope}, -1), shape.minimum_bin_size,
                                       shape.minimum_slope, inverse);
  const at::Tensor outside = x.abs() > bound;
  at::Tensor y = at::where(outside, x, spline.y * (2 * bound) - bound);
  at::Tensor log_derivative = spline.log_derivative.masked_fill(outside, 0);
  if (shape.shifts_and_scales) {
    if (!inverse) y = y * at::exp(log_scale) + shift;
    log_derivative = inverse ? log_derivative - log_scale : log_derivative + log_scale;
  }
  return {y, log_derivative.sum(0)};
}

}  // namespace boltzflow
