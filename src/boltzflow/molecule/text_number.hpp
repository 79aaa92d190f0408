// SPDX-License-Identifier: MIT
#pragma once
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace boltzflow {

/// This returns `text` without the blanks around it.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// This reads a whole field, blanks around it allowed, as a number (int or double; a leading + is fine). Nothing is
/// returned if anything is left over, or the number does not fit, or is not finite: files have no use for those.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>)
    if (!std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace boltzflow
