// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace boltzflow {

/// This keeps metrics.csv and metrics.jsonl of a run: one row per step, on disk before append() returns.
///
/// A row is known by (phase, step). When training is resumed from a checkpoint that is older than the last row, the
/// first row that comes again removes itself and everything after it, so that no step is ever in the files twice. The
/// CSV file has the columns phase, step and then every metric in the order of its first appearance; a row that lacks
/// one is empty there.
class MetricsLog {
 public:
  using Metrics = std::vector<std::pair<std::string, double>>;
  struct Row {
    std::string phase;
    std::int64_t step;
    Metrics metrics;
  };

  /// Reads what is there (an incomplete last line, left by a crash, is dropped) and goes on after it.
  /// @throws InputError if a line is no row, IoError if the files cannot be written.
  MetricsLog(std::filesystem::path csv, std::filesystem::path jsonl);

  /// @throws IoError naming the file and the reason; the rows before stay.
  void append(const std::string& phase, std::int64_t step, const Metrics& metrics);

  const std::vector<Row>& rows() const noexcept { return rows_; }

 private:
  bool add_columns(const Metrics& metrics);
  void rewrite_csv() const;
  void rewrite_jsonl() const;
  std::string csv_header() const;
  std::string csv_line(const Row& row) const;

  std::filesystem::path csv_, jsonl_;
  std::vector<std::string> columns_;
  std::vector<Row> rows_;
  bool resumed_ = false;  ///< rows_ came from the files and none was appended yet
};

/// Reads the rows of a metrics.jsonl; an incomplete last line is left out. @throws MissingInputError, InputError.
std::vector<MetricsLog::Row> read_metrics(const std::filesystem::path& jsonl);

}  // namespace boltzflow
