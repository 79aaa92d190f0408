// SPDX-License-Identifier: MIT
#include "boltzflow/app/option_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace boltzflow {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string section_of(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

/// Sections in the order they first appear, the one without a name first, as TOML demands.
std::vector<std::string> sections_of(const OptionTable& table) {
  std::vector<std::string> sections{""};
  for (const Option& option : table.options())
    if (std::ranges::find(sections, section_of(option.key)) == sections.end())
      sections.push_back(section_of(option.key));
  return sections;
}

}  // namespace

std::string type_text(const Option& option) {
  if (std::holds_alternative<bool*>(option.value)) return "true or false";
  if (std::holds_alternative<std::int64_t*>(option.value)) return "an integer";
  if (std::holds_alternative<double*>(option.value)) return "a number";
  return "a string";
}

std::string range_text(const Option& option) {
  if (std::holds_alternative<std::string*>(option.value)) {
    if (option.choices.empty()) return {};
    std::vector<std::string> words;
    for (const std::string& choice : option.choices) words.push_back(quoted(choice));
    return fmt::format("one of {}", fmt::join(words, ", "));
  }
  if (std::holds_alternative<bool*>(option.value)) return {};
  const bool below = std::isfinite(option.minimum), above = std::isfinite(option.maximum);
  if (below && above) return fmt::format("in [{}, {}]", option.minimum, option.maximum);
  if (below) return fmt::format("at least {}", option.minimum);
  if (above) return fmt::format("at most {}", option.maximum);
  return {};
}

std::string toml_value(const Option& option) {
  if (bool* const* field = std::get_if<bool*>(&option.value)) return **field ? "true" : "false";
  if (std::int64_t* const* field = std::get_if<std::int64_t*>(&option.value)) return fmt::format("{}", **field);
  if (std::string* const* field = std::get_if<std::string*>(&option.value)) return quoted(**field);
  const double value = **std::get_if<double*>(&option.value);
  std::string text = fmt::format("{}", value);  // shortest text that reads back to the same double
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string effective_configuration(const OptionTable& table, const std::string& header) {
  std::string text;
  for (std::size_t begin = 0; begin < header.size();) {
    const std::size_t end = std::min(header.find('\n', begin), header.size());
    text += "# " + header.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  for (const std::string& section : sections_of(table)) {
    if (!section.empty()) text += fmt::format("\n[{}]\n", section);
    for (const Option& option : table.options()) {
      if (section_of(option.key) != section) continue;
      const std::string range = range_text(option);
      text += fmt::format("# {}{}\n", option.documentation, range.empty() ? "" : "; " + range);
      text += fmt::format("{} = {}\n", option.key.substr(option.key.rfind('.') + 1), toml_value(option));
    }
  }
  return text;
}

std::string option_table_markdown(const OptionTable& table) {
  const auto cell = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
    return text;
  };
  std::string text;
  for (const std::string& section : sections_of(table)) {
    if (std::ranges::none_of(table.options(), [&](const Option& o) { return section_of(o.key) == section; })) continue;
    text += section.empty() ? "### At the top of the file\n\n" : fmt::format("### [{}]\n\n", section);
    text += "| key | default | allowed | meaning |\n|---|---|---|---|\n";
    for (const Option& option : table.options()) {
      if (section_of(option.key) != section) continue;
      std::string range = range_text(option);
      if (range.empty()) range = type_text(option);
      text += fmt::format("| `{}` | `{}` | {} | {} |\n", option.key, toml_value(option), cell(range),
                          cell(option.documentation));
    }
    text += "\n";
  }
  return text;
}

}  // namespace boltzflow
