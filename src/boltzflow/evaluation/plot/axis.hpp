// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <vector>

namespace boltzflow::plot {

/// One axis of a figure.
struct Axis {
  std::string label;  ///< with the unit
  double minimum = 0, maximum = 1;
  bool logarithmic = false;   ///< limits are positive
  std::vector<double> ticks;  ///< empty: nice_ticks()

  /// Where a value lies, 0 at minimum and 1 at maximum; not finite for values that have no place.
  double fraction(double value) const;
};

/// About n_ticks round numbers (1, 2, 2.5 or 5 times a power of ten) inside the limits; on a logarithmic axis powers of
/// ten, with twos and fives between them where there are few.
std::vector<double> nice_ticks(const Axis& axis, int n_ticks = 5);

/// The labels of ticks: as many decimals as they need to differ, thousands and millions as k and M on logarithmic axes.
std::vector<std::string> tick_labels(const Axis& axis, std::span<const double> ticks);

/// An axis around the finite ones of the values, widened to round limits (or by 4 % on a logarithmic axis, where only
/// positive values count); 0 to 1 if there are none.
Axis axis_around(std::string label, std::span<const double> values, bool logarithmic = false);

}  // namespace boltzflow::plot
