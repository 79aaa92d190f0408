// SPDX-License-Identifier: MIT
#include "boltzflow/app/metrics_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

/// One write() and fdatasync() per row: a crash leaves whole rows and at most one torn one at the end.
void append_to_file(const std::filesystem::path& path, const std::string& text) {
  const auto fail = [&](int reason) {
    throw IoError(fmt::format("{}: cannot write: {}", path.string(), std::strerror(reason)));
  };
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) fail(errno);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(file, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      ::close(file);
      fail(reason);
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  ::fdatasync(file);
  if (::close(file) != 0) fail(errno);
}

std::string number_text(double value) {
  if (std::abs(value) < 9e15 && value == std::floor(value)) return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{}", value);
}

/// JSON has no words for these, so they travel as null and as strings.
nlohmann::ordered_json to_json(double value) {
  if (std::isnan(value)) return nullptr;
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (std::abs(value) < 9e15 && value == std::floor(value)) return static_cast<std::int64_t>(value);
  return value;
}

double from_json(const nlohmann::ordered_json& value) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (value.is_string()) {
    return (value == "-inf" ? -1 : 1) * std::numeric_limits<double>::infinity();
  }
  return value.get<double>();
}

std::string json_line(const MetricsLog::Row& row) {
  nlohmann::ordered_json line{{"phase", row.phase}, {"step", row.step}};
  for (const auto& [name, value] : row.metrics) line[name] = to_json(value);
  return line.dump() + "\n";
}

}  // namespace

std::vector<MetricsLog::Row> read_metrics(const std::filesystem::path& jsonl) {
  const std::string text = read_file(jsonl);
  std::vector<MetricsLog::Row> rows;
  long number = 0;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    ++number;
    try {
      const auto line = nlohmann::ordered_json::parse(text.begin() + begin, text.begin() + end);
      MetricsLog::Row row{line.at("phase"), line.at("step"), {}};
      for (const auto& [name, value] : line.items())
        if (name != "phase" && name != "step") row.metrics.emplace_back(name, from_json(value));
      rows.push_back(std::move(row));
    } catch (const nlohmann::json::exception& error) {
      throw InputError(jsonl.string(), number, fmt::format("is not a row of metrics ({})", error.what()));
    }
    begin = end + 1;
  }
  return rows;
}

MetricsLog::MetricsLog(std::filesystem::path csv, std::filesystem::path jsonl)
    : csv_(std::move(csv)), jsonl_(std::move(jsonl)) {
  if (!std::filesystem::exists(jsonl_)) return;
  rows_ = read_metrics(jsonl_);
  for (const Row& row : rows_) add_columns(row.metrics);
  resumed_ = true;
  rewrite_jsonl();  // without a torn last line
  rewrite_csv();
}

bool MetricsLog::add_columns(const Metrics& metrics) {
  bool added = false;
  for (const auto& [name, value] : metrics) {
    if (std::ranges::find(columns_, name) != columns_.end()) continue;
    columns_.push_back(name);
    added = true;
  }
  return added;
}

void MetricsLog::append(const std::string& phase, std::int64_t step, const Metrics& metrics) {
  bool rewrite = false;
  if (resumed_) {
    const auto again = std::ranges::find_if(rows_, [&](const Row& r) { return r.phase == phase && r.step == step; });
    if (again != rows_.end()) {
      rows_.erase(again, rows_.end());
      columns_.clear();  // exactly those of a run that was never interrupted
      for (const Row& row : rows_) add_columns(row.metrics);
      rewrite_jsonl();
      rewrite = true;
    }
    resumed_ = false;
  }
  rewrite |= add_columns(metrics);
  rows_.push_back({phase, step, metrics});
  append_to_file(jsonl_, json_line(rows_.back()));
  if (rewrite || rows_.size() == 1) {
    rewrite_csv();
  } else {
    append_to_file(csv_, csv_line(rows_.back()));
  }
}

std::string MetricsLog::csv_header() const {
  std::string header = "phase,step";
  for (const std::string& column : columns_) header += "," + column;
  return header + "\n";
}

std::string MetricsLog::csv_line(const Row& row) const {
  std::string line = fmt::format("{},{}", row.phase, row.step);
  for (const std::string& column : columns_) {
    const auto metric = std::ranges::find(row.metrics, column, &std::pair<std::string, double>::first);
    line += metric == row.metrics.end() ? "," : "," + number_text(metric->second);
  }
  return line + "\n";
}

void MetricsLog::rewrite_csv() const {
  std::string text = csv_header();
  for (const Row& row : rows_) text += csv_line(row);
  write_file_atomically(csv_, text);
}

void MetricsLog::rewrite_jsonl() const {
  std::string text;
  for (const Row& row : rows_) text += json_line(row);
  write_file_atomically(jsonl_, text);
}

}  // namespace boltzflow
