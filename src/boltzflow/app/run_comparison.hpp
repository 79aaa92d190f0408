// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "boltzflow/flow/boltzmann_generator.hpp"

namespace boltzflow {

/// One column of a comparison.
struct ComparedQuantity {
  const char* name;     ///< in CSV and JSON: that of the metric in evaluation.json, or of a fact about the run
  const char* label;    ///< for people
  const char* unit;     ///< of the displayed value
  double factor;        ///< displayed = value times this
  const char* section;  ///< the table it stands in, for people
  bool has_floor;
};
std::span<const ComparedQuantity> compared_quantities();

/// A value with its error and the finite-sample floor beside it; NaN where there is none.
struct ComparedValue {
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();
  double floor = std::numeric_limits<double>::quiet_NaN();
};

/// What a comparison knows of one run.
struct ComparedRun {
  std::filesystem::path path;
  std::string system, method, architecture;
  std::int64_t seed = 0;
  /// Every setting that could have made the model another (not its seed, budgets or what is reported), as TOML.
  std::vector<std::pair<std::string, std::string>> settings;
  nlohmann::ordered_json evaluation;            ///< evaluation.json; null: there is none
  std::map<std::string, ComparedValue> values;  ///< by the name of the quantity; those that are known
};

/// Reads a run folder: config.toml, manifest.json, metrics.jsonl, the model's number of parameters, and evaluation.json
/// if it is there. @throws MissingInputError if it is no run folder or has no model yet, InputError if a file is
/// damaged.
ComparedRun read_compared_run(const std::filesystem::path& folder);

/// Takes an evaluation's metrics in place of those the run had.
void take_evaluation(ComparedRun& run, nlohmann::ordered_json evaluation);

/// True if the run has no value for one of the quantities that evaluation.json holds.
bool lacks_metrics(const ComparedRun& run);

/// How long samples with log-likelihoods take, without their energies.
struct SamplingTime {
  std::int64_t n_measured;
  double seconds;  ///< for n_measured
};
/// Draws more and more samples until they take two seconds or are n_most.
SamplingTime measure_sampling_time(const BoltzmannGenerator& generator, ConditionerPrecision precision,
                                   std::int64_t n_most);

/// One line of the table: the runs of one configuration.
struct ComparisonRow {
  std::string system, method, architecture;
  std::vector<std::pair<std::string, std::string>> settings;  ///< those in which it differs from another line
  std::vector<std::filesystem::path> runs;
  std::vector<std::int64_t> seeds;
  /// By quantity. Of several runs the mean and its standard error over them; of one, the error of its own evaluation.
  std::map<std::string, ComparedValue> values;
};

struct Comparison {
  std::vector<ComparisonRow> rows;    ///< in the order in which their first runs were given
  std::vector<std::string> warnings;  ///< why numbers may not compare: other references, other numbers of samples
};

/// Puts runs that differ in nothing but their seeds in one line.
Comparison compare_runs(const std::vector<ComparedRun>& runs);

/// Tables for people, in Markdown: one per section, one line per configuration.
std::string to_markdown(const Comparison& comparison);
/// One line per configuration; NAME, NAME_error and NAME_floor of every quantity, in units of evaluation.json.
std::string to_csv(const Comparison& comparison);
nlohmann::ordered_json to_json(const Comparison& comparison);

}  // namespace boltzflow
