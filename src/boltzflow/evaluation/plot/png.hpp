// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "boltzflow/evaluation/plot/color.hpp"

namespace boltzflow::plot {

/// This returns a PNG file of palette colours; index 0 is transparent. Not compressed: a 72 x 72 map takes 6 kB, which
/// is not worth a dependency.
/// @param pixels [height, width] palette indices, top row first. @param palette 1 to 256 colours.
/// @throws InputError if sizes do not fit or an index is out of range. @cite RFC 2083 (PNG), RFC 1950 and 1951 (stored
/// blocks).
std::string indexed_png(int width, int height, std::span<const std::uint8_t> pixels, std::span<const Color> palette);

/// @cite RFC 4648.
std::string base64(std::string_view bytes);

}  // namespace boltzflow::plot
