// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/amber_sections.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/text_number.hpp"

namespace boltzflow {
namespace {

/// The width of a field of a Fortran format with one descriptor, "(10I8)" or "(5E16.8)"; 0: not of that kind.
std::size_t field_width(std::string_view format) {
  if (!format.starts_with('(') || format.find(')') == std::string_view::npos) return 0;
  format = format.substr(1, format.find(')') - 1);
  const std::size_t letter = format.find_first_of("aAiIeEfFdDgG");
  if (letter == std::string_view::npos) return 0;
  const std::string_view width = format.substr(letter + 1);
  const auto value = number_in<int>(width.substr(0, width.find('.')));
  return value && *value > 0 && *value <= 256 ? static_cast<std::size_t>(*value) : 0;
}

}  // namespace

AmberSections::AmberSections(std::string_view text, std::string origin) : text_(text), origin_(std::move(origin)) {
  Section* current = nullptr;
  std::string_view rest = text_;
  for (long line_number = 1; !rest.empty(); ++line_number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line_number == 1 && !line.starts_with("%VERSION") && !line.starts_with("%FLAG"))
      throw InputError(origin_, 1, "this is not an Amber topology (prmtop): it does not begin with %VERSION or %FLAG");
    if (line.starts_with("%FLAG")) {
      const std::string flag(trimmed(line.substr(5)));
      const auto [found, is_new] = sections_.insert({flag, Section{line_number, 0, {}}});
      if (!is_new)
        throw InputError(origin_, line_number, fmt::format("there is a second section {}", flag.substr(0, 80)));
      current = &found->second;
    } else if (line.starts_with("%FORMAT")) {
      if (!current) throw InputError(origin_, line_number, "%FORMAT without a %FLAG before it");
      current->width = field_width(trimmed(line.substr(7)));
      if (current->width == 0)
        throw InputError(origin_, line_number, fmt::format("the format {} is not known", trimmed(line).substr(0, 80)));
    } else if (!line.starts_with('%') && current) {
      if (current->width == 0) throw InputError(origin_, line_number, "data without a %FORMAT before it");
      for (std::size_t at = 0; at < line.size(); at += current->width)
        current->fields.push_back({line.substr(at, current->width), line_number});
      // Words may be blank, numbers may not: blanks at the end of a line of numbers are no fields. numbers() knows
      // which.
    }
  }
}

void AmberSections::fail(const std::string& flag, const std::string& message) const {
  const auto found = sections_.find(flag);
  if (found == sections_.end()) throw InputError(origin_, message);
  throw InputError(origin_, found->second.line, message);
}

std::size_t AmberSections::size(const std::string& flag) const {
  const auto found = sections_.find(flag);
  if (found == sections_.end()) return 0;
  return static_cast<std::size_t>(std::count_if(found->second.fields.begin(), found->second.fields.end(),
                                                [](const Field& field) { return !trimmed(field.text).empty(); }));
}

const AmberSections::Section& AmberSections::section(const std::string& flag, std::size_t count) const {
  const auto found = sections_.find(flag);
  if (found == sections_.end()) throw InputError(origin_, fmt::format("the section {} is missing", flag));
  if (found->second.fields.size() < count)
    fail(flag, fmt::format("the section {} holds {} fields, but {} are needed; is the file cut?", flag,
                           found->second.fields.size(), count));
  return found->second;
}

template <class Number>
std::vector<Number> AmberSections::numbers(const std::string& flag, std::size_t count) const {
  const Section& found = section(flag, count);
  std::vector<Number> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = number_in<Number>(found.fields[i].text);
    if (!value)
      throw InputError(origin_, found.fields[i].line,
                       fmt::format("\"{}\" in section {} is not {}", found.fields[i].text.substr(0, 40), flag,
                                   std::is_integral_v<Number> ? "an integer" : "a finite number"));
    out[i] = *value;
  }
  return out;
}

std::vector<int> AmberSections::integers(const std::string& flag, std::size_t count) const {
  return numbers<int>(flag, count);
}
std::vector<double> AmberSections::reals(const std::string& flag, std::size_t count) const {
  return numbers<double>(flag, count);
}
std::vector<std::string> AmberSections::words(const std::string& flag, std::size_t count) const {
  const Section& found = section(flag, count);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(trimmed(found.fields[i].text));
  return out;
}

}  // namespace boltzflow
