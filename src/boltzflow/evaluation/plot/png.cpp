// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/plot/png.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "boltzflow/base/errors.hpp"

namespace boltzflow::plot {
namespace {

void append_big_endian(std::string& bytes, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) bytes.push_back(static_cast<char>(value >> shift & 0xff));
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? 0xedb88320u ^ crc >> 1 : crc >> 1;
  }
  return ~crc;
}

std::uint32_t adler32(std::string_view bytes) {
  std::uint32_t a = 1, b = 0;
  for (const char byte : bytes) {
    a = (a + static_cast<std::uint8_t>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void append_chunk(std::string& file, std::string_view type, std::string_view data) {
  append_big_endian(file, static_cast<std::uint32_t>(data.size()));
  const std::string body = std::string(type) + std::string(data);
  file += body;
  append_big_endian(file, crc32(body));
}

std::string zlib_stored(std::string_view data) {
  std::string stream = "\x78\x01";
  std::size_t offset = 0;
  do {
    const std::size_t length = std::min<std::size_t>(65535, data.size() - offset);
    stream.push_back(offset + length == data.size() ? 1 : 0);
    for (const std::size_t value : {length, ~length}) {
      stream.push_back(static_cast<char>(value & 0xff));
      stream.push_back(static_cast<char>(value >> 8 & 0xff));
    }
    stream += data.substr(offset, length);
    offset += length;
  } while (offset < data.size());
  append_big_endian(stream, adler32(data));
  return stream;
}

}  // namespace

std::string indexed_png(int width, int height, std::span<const std::uint8_t> pixels, std::span<const Color> palette) {
  if (width < 1 || height < 1 || pixels.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height))
    throw InputError(fmt::format("{} pixels do not make a picture of {} x {}", pixels.size(), width, height));
  if (palette.empty() || palette.size() > 256)
    throw InputError(fmt::format("a palette of {} colours; use 1 to 256", palette.size()));
  if (*std::max_element(pixels.begin(), pixels.end()) >= palette.size())
    throw InputError(fmt::format("a pixel's index is not in a palette of {} colours", palette.size()));
  std::string header, colors, rows;
  append_big_endian(header, static_cast<std::uint32_t>(width));
  append_big_endian(header, static_cast<std::uint32_t>(height));
  header += std::string("\x08\x03\x00\x00\x00", 5);  // 8 bits, palette, no interlacing
  for (const Color& color : palette)
    for (const std::uint8_t channel : {color.red, color.green, color.blue})
      colors.push_back(static_cast<char>(channel));
  for (int row = 0; row < height; ++row) {
    rows.push_back(0);  // no filter
    for (int column = 0; column < width; ++column)
      rows.push_back(static_cast<char>(
          pixels[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)]));
  }
  std::string file = "\x89PNG\r\n\x1a\n";
  append_chunk(file, "IHDR", header);
  append_chunk(file, "PLTE", colors);
  append_chunk(file, "tRNS", std::string(1, '\0'));
  append_chunk(file, "IDAT", zlib_stored(rows));
  append_chunk(file, "IEND", "");
  return file;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text.push_back(i + k > bytes.size() ? '=' : letters[group >> (18 - 6 * k) & 63]);
  }
  return text;
}

}  // namespace boltzflow::plot
