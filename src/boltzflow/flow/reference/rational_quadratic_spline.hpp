// SPDX-License-Identifier: MIT
#pragma once
#include <span>

namespace boltzflow::reference {

/// A monotone rational-quadratic spline from [0,1] onto itself in float64, straight from the equations: what the
/// kernels and the tensor operations are tested against.
/// @cite Durkan2019, "Neural spline flows", Eq. 4-8; circular after Rezende2020, "Normalizing flows on tori and
/// spheres".
class RationalQuadraticSpline {
 public:
  /// Unnormalised parameters: K widths, K heights, and K + 1 slopes (K for a circular spline: the last knot has the
  /// first's).
  RationalQuadraticSpline(std::span<const double> widths, std::span<const double> heights,
                          std::span<const double> slopes, double minimum_bin_size, double minimum_slope);

  struct Value {
    double y;
    double log_derivative;  ///< log |dy/dx| of the direction called
  };
  Value forward(double x) const;  ///< x outside [0,1] is clamped
  Value inverse(double y) const;

  int n_bins() const noexcept { return n_bins_; }
  double knot_x(int k) const noexcept { return x_[k]; }  ///< k = 0 .. K
  double knot_y(int k) const noexcept { return y_[k]; }
  double knot_slope(int k) const noexcept { return slope_[k]; }

 private:
  int n_bins_;
  double x_[65], y_[65], slope_[65];
};

}  // namespace boltzflow::reference
