// SPDX-License-Identifier: MIT
#include "boltzflow/app/configuration_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/app/nearest_match.hpp"
#include "boltzflow/app/option_text.hpp"
#include "boltzflow/base/errors.hpp"

// toml++ 3.3 turns its assertions into __builtin_unreachable() where NDEBUG is defined, and "[[[" reaches one of them.
// With neither, the parser goes on to its own error message. Last, so that no other header sees NDEBUG gone.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

namespace boltzflow {
namespace {

std::string describe(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return fmt::format("the string \"{}\"", node.ref<std::string>());
    case toml::node_type::integer:
      return fmt::format("the integer {}", node.ref<std::int64_t>());
    case toml::node_type::floating_point:
      return fmt::format("the number {}", node.ref<double>());
    case toml::node_type::boolean:
      return node.ref<bool>() ? "true" : "false";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::table:
      return "a section";
    default:
      return "a date or time";
  }
}

std::string check_range(const Option& option, double value) {
  if (value >= option.minimum && value <= option.maximum) return {};
  return fmt::format("{} is not {}", value, range_text(option));
}

/// Stores the value of `node` in the option's field, or returns what is wrong with it.
std::string store(const Option& option, const toml::node& node) {
  const std::string mismatch = fmt::format("expected {}, found {}", type_text(option), describe(node));
  if (bool* const* field = std::get_if<bool*>(&option.value)) {
    if (!node.is_boolean()) return mismatch;
    **field = node.ref<bool>();
  } else if (std::string* const* field = std::get_if<std::string*>(&option.value)) {
    if (!node.is_string()) return mismatch;
    const std::string& word = node.ref<std::string>();
    if (!option.choices.empty() && std::ranges::find(option.choices, word) == option.choices.end())
      return fmt::format("\"{}\" is not {}{}", word, range_text(option), hint_for(word, option.choices));
    **field = word;
  } else if (std::int64_t* const* field = std::get_if<std::int64_t*>(&option.value)) {
    std::int64_t value = 0;
    if (node.is_integer()) {
      value = node.ref<std::int64_t>();
    } else if (node.is_floating_point()) {  // 1e6 is a natural way to write a count
      const double number = node.ref<double>();
      if (!(std::abs(number) < 9e15) || number != std::floor(number)) return mismatch;
      value = static_cast<std::int64_t>(number);
    } else {
      return mismatch;
    }
    if (std::string wrong = check_range(option, static_cast<double>(value)); !wrong.empty()) return wrong;
    **field = value;
  } else if (double* const* field = std::get_if<double*>(&option.value)) {
    if (!node.is_number()) return mismatch;
    const double value = node.is_integer() ? static_cast<double>(node.ref<std::int64_t>()) : node.ref<double>();
    if (!std::isfinite(value)) return fmt::format("{} is not a finite number", value);
    if (std::string wrong = check_range(option, value); !wrong.empty()) return wrong;
    **field = value;
  }
  return {};
}

const Option* find(const OptionTable& table, const std::string& key) {
  for (const Option& option : table.options())
    if (option.key == key) return &option;
  return nullptr;
}

bool is_section(const OptionTable& table, const std::string& key) {
  return std::ranges::any_of(table.options(), [&](const Option& o) { return o.key.starts_with(key + "."); });
}

std::string unknown_key(const OptionTable& table, const std::string& key) {
  if (is_section(table, key)) return fmt::format("is a section; write its settings under [{}]", key);
  std::vector<std::string> keys;
  for (const Option& option : table.options()) keys.push_back(option.key);
  return "unknown key" + hint_for(key, keys);
}

struct Finding {
  std::uint32_t line;
  std::string text;
};

void walk(const OptionTable& options, const toml::table& section, const std::string& prefix,
          std::vector<Finding>& findings) {
  for (const auto& [name, node] : section) {
    const std::string key = prefix + std::string(name.str());
    const std::uint32_t line = name.source().begin.line;
    if (const Option* option = find(options, key)) {
      if (std::string wrong = store(*option, node); !wrong.empty()) findings.push_back({line, key + ": " + wrong});
    } else if (node.is_table() && (is_section(options, key) || !node.as_table()->empty())) {
      walk(options, *node.as_table(), key + ".", findings);
    } else {
      findings.push_back({line, key + ": " + unknown_key(options, key)});
    }
  }
}

void add_once(std::vector<std::string>& list, const std::string& item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(item);
}

}  // namespace

void ConfigurationReader::read(std::string_view toml_text, const std::string& origin) {
  std::vector<Finding> findings;
  try {
    walk(table_, toml::parse(toml_text, origin), "", findings);
  } catch (const toml::parse_error& error) {
    findings.push_back({error.source().begin.line, std::string(error.description())});
  }
  std::ranges::stable_sort(findings, {}, &Finding::line);
  for (const Finding& finding : findings)
    errors_.push_back(fmt::format("{}:{}: {}", origin, finding.line, finding.text));
  if (!findings.empty()) add_once(origins_, origin);
}

void ConfigurationReader::set(std::string_view assignment, const std::string& origin) {
  const auto fail = [&](const std::string& message) {
    errors_.push_back(fmt::format("{} {}: {}", origin, assignment, message));
    add_once(origins_, origin);
  };
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) return fail("expected key=value");
  const auto trimmed = [](std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
    return first == std::string_view::npos ? std::string() : std::string(text.substr(first, last - first + 1));
  };
  const std::string key = trimmed(assignment.substr(0, equals)), text = trimmed(assignment.substr(equals + 1));
  const Option* option = find(table_, key);
  if (!option) return fail(unknown_key(table_, key));
  toml::table document;
  try {
    document = toml::parse("value = " + text);
  } catch (const toml::parse_error&) {
    document.clear();
  }
  const bool bare_string = std::holds_alternative<std::string*>(option->value) &&
                           !(document.size() == 1 && document.contains("value") && document.get("value")->is_string());
  if (bare_string || document.size() != 1) document.insert_or_assign("value", text);
  if (std::string wrong = store(*option, *document.get("value")); !wrong.empty()) fail(wrong);
}

void ConfigurationReader::finish() const {
  if (errors_.empty()) return;
  std::string message;
  for (const std::string& error : errors_) message += error + "\n";
  message += fmt::format("{} {}{}; nothing was started.", errors_.size(), errors_.size() == 1 ? "error" : "errors",
                         origins_.size() == 1 ? " in " + origins_.front() : "");
  throw ConfigurationError(message);
}

}  // namespace boltzflow
