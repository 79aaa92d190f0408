// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/plot/axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace boltzflow::plot {
namespace {

double nice_step(double span, int n_ticks) {
  const double raw = span / std::max(1, n_ticks), power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0})
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::string count_label(double value) {
  if (value >= 1e9) return fmt::format("{:g} G", value / 1e9);
  if (value >= 1e6) return fmt::format("{:g} M", value / 1e6);
  if (value >= 1e3) return fmt::format("{:g} k", value / 1e3);
  return fmt::format("{:g}", value);
}

}  // namespace

double Axis::fraction(double value) const {
  if (!logarithmic) return (value - minimum) / (maximum - minimum);
  if (!(value > 0)) return std::numeric_limits<double>::quiet_NaN();
  return std::log(value / minimum) / std::log(maximum / minimum);
}

std::vector<double> nice_ticks(const Axis& axis, int n_ticks) {
  std::vector<double> ticks;
  if (!axis.logarithmic) {
    const double step = nice_step(axis.maximum - axis.minimum, n_ticks);
    const double first = std::ceil(axis.minimum / step - 1e-9), last = std::floor(axis.maximum / step + 1e-9);
    // Counted in integers: where step is below the rounding of the limits, k + 1 is k.
    const int n = static_cast<int>(std::clamp(last - first, -1.0, 100.0));
    for (int k = 0; k <= n; ++k) ticks.push_back((first + k) * step + 0.0);
    return ticks;
  }
  const int lowest = static_cast<int>(std::floor(std::log10(axis.minimum))),
            highest = static_cast<int>(std::ceil(std::log10(axis.maximum)));
  const double decades = std::log10(axis.maximum / axis.minimum);
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / (n_ticks + 2))));
  const std::vector<double> factors = decades <= 2.2 ? std::vector{1.0, 2.0, 5.0} : std::vector{1.0};
  for (int exponent = lowest; exponent <= highest; ++exponent)
    for (const double factor : factors) {
      const double tick = factor * std::pow(10.0, exponent);
      if (exponent % stride == 0 && tick >= axis.minimum * (1 - 1e-9) && tick <= axis.maximum * (1 + 1e-9))
        ticks.push_back(tick);
    }
  return ticks;
}

std::vector<std::string> tick_labels(const Axis& axis, std::span<const double> ticks) {
  std::vector<std::string> labels;
  double step = std::numeric_limits<double>::infinity(), largest = 0;
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    largest = std::max(largest, std::abs(ticks[i]));
    if (i > 0) step = std::min(step, std::abs(ticks[i] - ticks[i - 1]));
  }
  if (!std::isfinite(step)) step = largest > 0 ? largest : 1;
  int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  const double scaled = step * std::pow(10.0, decimals);
  if (std::abs(scaled - std::round(scaled)) > 1e-6) ++decimals;  // steps of 2.5
  for (const double tick : ticks) {
    if (axis.logarithmic)
      labels.push_back(count_label(tick));
    else if (largest >= 1e5 || decimals > 5)
      labels.push_back(fmt::format("{:g}", tick));
    else
      labels.push_back(fmt::format("{:.{}f}", tick, decimals));
  }
  return labels;
}

Axis axis_around(std::string label, std::span<const double> values, bool logarithmic) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!std::isfinite(value) || (logarithmic && !(value > 0))) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  if (!(low <= high)) return {std::move(label), logarithmic ? 1.0 : 0.0, logarithmic ? 10.0 : 1.0, logarithmic, {}};
  if (logarithmic) {
    const double margin = std::max(std::pow(high / low, 0.04), 1.05);
    return {std::move(label), low / margin, high * margin, true, {}};
  }
  if (high - low <= 1e-9 * std::max(std::abs(low), std::abs(high))) {  // equal, but for rounding
    const double half = low == 0 ? 1 : 0.1 * std::abs(low);
    low -= half;
    high += half;
  }
  const double step = nice_step(high - low, 5) / 2;
  double minimum = std::floor(low / step + 1e-9) * step, maximum = std::ceil(high / step - 1e-9) * step;
  // A line along the frame would not be seen; but zero is where many quantities end.
  if (minimum != 0 && low - minimum < 0.1 * step) minimum -= step;
  if (maximum != 0 && maximum - high < 0.1 * step) maximum += step;
  return {std::move(label), minimum, maximum, false, {}};
}

}  // namespace boltzflow::plot
