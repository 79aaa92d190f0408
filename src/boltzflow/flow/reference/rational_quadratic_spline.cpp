// SPDX-License-Identifier: MIT
#include "boltzflow/flow/reference/rational_quadratic_spline.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow::reference {
namespace {

/// Knots from unnormalised bin sizes: a softmax, lifted to the minimum, summed up.
void set_knots(std::span<const double> parameters, double minimum, double* knots) {
  const double largest = *std::max_element(parameters.begin(), parameters.end());
  std::vector<double> share;
  double sum = 0;
  for (const double u : parameters) sum += share.emplace_back(std::exp(u - largest));
  knots[0] = 0;
  for (std::size_t k = 0; k < share.size(); ++k) {
    knots[k + 1] = knots[k] + minimum + (1 - static_cast<double>(share.size()) * minimum) * share[k] / sum;
  }
  knots[share.size()] = 1;
}

int bin_of(const double* knots, int n_bins, double x) {
  int k = 0;
  while (k + 1 < n_bins && x >= knots[k + 1]) ++k;
  return k;
}

}  // namespace

RationalQuadraticSpline::RationalQuadraticSpline(std::span<const double> widths, std::span<const double> heights,
                                                 std::span<const double> slopes, double minimum_bin_size,
                                                 double minimum_slope)
    : n_bins_(static_cast<int>(widths.size())) {
  if (n_bins_ < 1 || n_bins_ > 64 || heights.size() != widths.size() ||
      (slopes.size() != widths.size() && slopes.size() != widths.size() + 1)) {
    throw InputError(
        "a rational-quadratic spline needs 1 to 64 bins, as many heights as widths, and K or K + 1 slopes");
  }
  set_knots(widths, minimum_bin_size, x_);
  set_knots(heights, minimum_bin_size, y_);
  for (int k = 0; k <= n_bins_; ++k) {
    const double u = slopes[static_cast<std::size_t>(k) % slopes.size()];
    slope_[k] = minimum_slope + std::max(u, 0.0) + std::log1p(std::exp(-std::abs(u)));
  }
}

RationalQuadraticSpline::Value RationalQuadraticSpline::forward(double x) const {
  x = std::clamp(x, 0.0, 1.0);
  const int k = bin_of(x_, n_bins_, x);
  const double width = x_[k + 1] - x_[k], height = y_[k + 1] - y_[k], s = height / width;
  const double d0 = slope_[k], d1 = slope_[k + 1];
  const double xi = (x - x_[k]) / width;
  const double denominator = s + (d1 + d0 - 2 * s) * xi * (1 - xi);
  const double y = y_[k] + height * (s * xi * xi + d0 * xi * (1 - xi)) / denominator;  // Eq. 4
  const double derivative =
      s * s * (d1 * xi * xi + 2 * s * xi * (1 - xi) + d0 * (1 - xi) * (1 - xi)) / (denominator * denominator);  // Eq. 5
  return {y, std::log(derivative)};
}

RationalQuadraticSpline::Value RationalQuadraticSpline::inverse(double y) const {
  y = std::clamp(y, 0.0, 1.0);
  const int k = bin_of(y_, n_bins_, y);
  const double width = x_[k + 1] - x_[k], height = y_[k + 1] - y_[k], s = height / width;
  const double d0 = slope_[k], d1 = slope_[k + 1], q = y - y_[k];
  const double a = height * (s - d0) + q * (d1 + d0 - 2 * s);  // Eq. 7
  const double b = height * d0 - q * (d1 + d0 - 2 * s);
  const double c = -s * q;  // Eq. 8
  const double discriminant = std::max(b * b - 4 * a * c, 0.0);
  const double xi = 2 * c / (-b - std::sqrt(discriminant));  // Eq. 6
  const double x = std::clamp(x_[k] + xi * width, 0.0, 1.0);
  return {x, -forward(x).log_derivative};
}

}  // namespace boltzflow::reference
