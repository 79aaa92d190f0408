// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

namespace boltzflow::plot {

struct Color {
  std::uint8_t red, green, blue;  ///< sRGB
  bool operator==(const Color&) const = default;
};

/// This returns the sRGB colour of a point of the OKLab space in polar coordinates, clamped to what sRGB can show.
/// @param lightness [0, 1]. @param chroma 0 is grey. @param hue rad. @cite Ottosson2020, "A perceptual color space".
Color oklch(double lightness, double chroma, double hue);

/// This returns a colour of a map for values with an order, t in [0, 1]: dark blue over green to pale yellow. Lightness
/// rises in proportion to t, from 0.30 to 0.92, so that equal steps look equal, in grey and to the colour-blind as
/// well.
Color sequential_color(double t);

/// This returns a colour of a map for signed values, t in [-1, 1]: blue below, near white at 0, red above; the
/// lightness of both arms falls in proportion to |t|.
Color diverging_color(double t);

/// "#rrggbb"
std::string hex(Color color);

}  // namespace boltzflow::plot
