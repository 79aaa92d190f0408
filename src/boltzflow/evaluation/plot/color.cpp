// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/plot/color.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/units.hpp"

namespace boltzflow::plot {
namespace {

std::uint8_t encoded(double linear) {
  linear = std::clamp(linear, 0.0, 1.0);
  const double value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * value));
}

constexpr double degrees = pi / 180;

}  // namespace

Color oklch(double lightness, double chroma, double hue) {
  const double a = chroma * std::cos(hue), b = chroma * std::sin(hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          encoded(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

Color sequential_color(double t) {
  t = std::clamp(t, 0.0, 1.0);
  // The chroma stays inside sRGB, which is narrow for teal: a clamped colour would bend the lightness.
  const double hue = (285 - 180 * t) * degrees, chroma = 0.115 + 0.02 * std::cos(2 * pi * t);
  return oklch(0.30 + 0.62 * t, chroma * (t > 0.85 ? 1 - (t - 0.85) : 1), hue);
}

Color diverging_color(double t) {
  const double size = std::clamp(std::abs(t), 0.0, 1.0);
  return oklch(0.97 - 0.49 * size, 0.16 * size, (t < 0 ? 255 : 25) * degrees);
}

std::string hex(Color color) { return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue); }

}  // namespace boltzflow::plot
