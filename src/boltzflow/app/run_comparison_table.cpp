// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/app/run_comparison.hpp"
#include "boltzflow/evaluation/evaluate.hpp"

namespace boltzflow {
namespace {

/// The last word of "method.regflow.n_pairs", and of a path the last name.
std::string short_setting(const std::pair<std::string, std::string>& setting) {
  std::string value = setting.second;
  if (const std::size_t slash = value.rfind('/'); value.starts_with('"') && slash != std::string::npos)
    value = "\"" + value.substr(slash + 1);
  std::erase(value, '"');
  return setting.first.substr(setting.first.rfind('.') + 1) + " = " + (value.empty() ? "none" : value);
}

std::string settings_text(const ComparisonRow& row) {
  std::vector<std::string> words;
  for (const auto& setting : row.settings) words.push_back(short_setting(setting));
  return fmt::format("{}", fmt::join(words, ", "));
}

const ComparedValue* find(const ComparisonRow& row, const ComparedQuantity& quantity) {
  const auto found = row.values.find(quantity.name);
  return found == row.values.end() ? nullptr : &found->second;
}

bool is_count(const ComparedQuantity& quantity) {
  return *quantity.unit == 0 && std::string(quantity.section) == "Cost";
}

std::string cell(const ComparisonRow& row, const ComparedQuantity& quantity) {
  const ComparedValue* value = find(row, quantity);
  if (value == nullptr) return "-";
  if (is_count(quantity) && !(value->error > 0)) return fmt::format("{:.0f}", value->value);
  std::string text = format_estimate({value->value * quantity.factor, value->error * quantity.factor});
  if (std::isfinite(value->floor))
    text += fmt::format(" (floor {})",
                        format_estimate({value->floor * quantity.factor, std::numeric_limits<double>::quiet_NaN()}));
  return text;
}

/// A table whose columns stand under each other as plain text, too.
std::string aligned(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines)
    for (std::size_t column = 0; column < line.size(); ++column)
      widths[column] = std::max(widths[column], line[column].size());
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t column = 0; column < widths.size(); ++column)
      text += fmt::format("| {:<{}} ", lines[i][column], widths[column]);
    text += "|\n";
    if (i > 0) continue;
    for (const std::size_t width : widths) text += fmt::format("|{:-<{}}", "", width + 2);
    text += "|\n";
  }
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

nlohmann::ordered_json json_number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

}  // namespace

std::string to_markdown(const Comparison& comparison) {
  const bool one_system = std::ranges::all_of(
      comparison.rows, [&](const ComparisonRow& row) { return row.system == comparison.rows.front().system; });
  std::vector<std::vector<std::string>> runs{{"", "system", "method", "architecture", "settings that differ", "runs"}};
  for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
    const ComparisonRow& row = comparison.rows[i];
    std::vector<std::string> names;
    for (const std::filesystem::path& path : row.runs) names.push_back(path.string());
    runs.push_back({std::to_string(i + 1), row.system, row.method, row.architecture, settings_text(row),
                    fmt::format("{}", fmt::join(names, ", "))});
  }
  std::string text = aligned(runs);
  std::string section;
  std::vector<std::vector<std::string>> lines;
  const auto finish = [&] {
    if (!lines.empty()) text += fmt::format("\n{}\n\n{}", section, aligned(lines));
  };
  for (const ComparedQuantity& quantity : compared_quantities()) {
    if (section != quantity.section) {
      finish();
      section = quantity.section;
      lines.assign(1, {""});
      for (std::size_t i = 0; i < comparison.rows.size(); ++i) {
        const ComparisonRow& row = comparison.rows[i];
        lines.push_back(
            {fmt::format("{} {}{} {}", i + 1, one_system ? "" : row.system + " ", row.method, row.architecture)});
      }
    }
    if (std::ranges::all_of(comparison.rows, [&](const ComparisonRow& row) { return !find(row, quantity); })) continue;
    lines[0].push_back(fmt::format("{}{}{}", quantity.label, *quantity.unit ? ", " : "", quantity.unit));
    for (std::size_t i = 0; i < comparison.rows.size(); ++i) lines[i + 1].push_back(cell(comparison.rows[i], quantity));
  }
  finish();
  text += "\nOf several runs: mean +- standard error over seeds; of one: +- error of its evaluation.\n";
  for (const std::string& warning : comparison.warnings) text += "Note: " + warning + ".\n";
  return text;
}

std::string to_csv(const Comparison& comparison) {
  std::vector<std::string> header{"system", "method", "architecture", "settings", "n_runs", "runs"};
  for (const ComparedQuantity& quantity : compared_quantities()) {
    header.push_back(quantity.name);
    header.push_back(std::string(quantity.name) + "_error");
    if (quantity.has_floor) header.push_back(std::string(quantity.name) + "_floor");
  }
  std::string text = fmt::format("{}\n", fmt::join(header, ","));
  for (const ComparisonRow& row : comparison.rows) {
    std::vector<std::string> settings, runs;
    for (const auto& [key, value] : row.settings) settings.push_back(key + " = " + value);
    for (const std::filesystem::path& path : row.runs) runs.push_back(path.string());
    std::vector<std::string> fields{
        csv_field(row.system),           csv_field(row.method),
        csv_field(row.architecture),     csv_field(fmt::format("{}", fmt::join(settings, "; "))),
        std::to_string(row.runs.size()), csv_field(fmt::format("{}", fmt::join(runs, "; ")))};
    for (const ComparedQuantity& quantity : compared_quantities()) {
      const ComparedValue* known = find(row, quantity);
      const ComparedValue value = known ? *known : ComparedValue();
      fields.push_back(csv_number(value.value));
      fields.push_back(csv_number(value.error));
      if (quantity.has_floor) fields.push_back(csv_number(value.floor));
    }
    text += fmt::format("{}\n", fmt::join(fields, ","));
  }
  return text;
}

nlohmann::ordered_json to_json(const Comparison& comparison) {
  nlohmann::ordered_json document{{"rows", nlohmann::ordered_json::array()}, {"warnings", comparison.warnings}};
  for (const ComparisonRow& row : comparison.rows) {
    nlohmann::ordered_json entry{{"system", row.system},
                                 {"method", row.method},
                                 {"architecture", row.architecture},
                                 {"settings", nlohmann::ordered_json::object()},
                                 {"runs", nlohmann::ordered_json::array()},
                                 {"seeds", row.seeds},
                                 {"error_over", row.runs.size() > 1 ? "seeds" : "samples"},
                                 {"values", nlohmann::ordered_json::object()}};
    for (const auto& [key, value] : row.settings) entry["settings"][key] = value;
    for (const std::filesystem::path& path : row.runs) entry["runs"].push_back(path.string());
    for (const ComparedQuantity& quantity : compared_quantities()) {
      const ComparedValue* value = find(row, quantity);
      if (value == nullptr) continue;
      entry["values"][quantity.name] = {{"value", json_number(value->value)}, {"error", json_number(value->error)}};
      if (quantity.has_floor) entry["values"][quantity.name]["floor"] = json_number(value->floor);
    }
    document["rows"].push_back(entry);
  }
  return document;
}

}  // namespace boltzflow
