// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "boltzflow/evaluation/estimate.hpp"
#include "boltzflow/evaluation/evaluation_input.hpp"
#include "boltzflow/evaluation/finite_sample_floor.hpp"
#include "boltzflow/evaluation/metrics.hpp"

namespace boltzflow {

/// One metric's value with its bootstrap error.
struct MetricValue {
  const MetricEntry* metric;
  std::size_t pair;   ///< the torsion pair, 0 for metrics that are not per pair
  Estimate estimate;  ///< in the metric's own unit, before display_factor
  std::optional<Estimate>
      floor;  ///< what a perfect sampler of the same effective size would score; see finite_sample_floor()
  std::size_t n_points = 0;  ///< of the subsets compared, on which the value depends; 0: all samples
};

/// All numbers of an evaluation.
struct Evaluation {
  std::size_t n_samples = 0;
  std::size_t n_zero_weights = 0;      ///< samples of infinite energy
  std::size_t n_reference_frames = 0;  ///< 0: no reference
  std::size_t n_reference_blocks = 0;
  double representable_fraction = 1;  ///< of the reference
  double temperature = 0;             ///< K
  EvaluationOptions options;
  std::vector<std::string> torsion_pair_names;
  std::optional<ReferenceHalves> halves;  ///< mean over torsion pairs
  std::vector<MetricValue> metrics;       ///< those that the input allows, in the order of the table
};

/// This computes every metric that the input allows, with bootstrap errors and finite-sample floors. Samples are
/// resampled one by one, a reference in blocks where it says so. Deterministic for a seed, whatever the number of
/// threads.
///
/// Cost: about n_replicates passes over samples and reference; 100 replicates of 1e6 samples and a reference of 1e5
/// frames take 14 s of CPU time, spread over the threads.
/// @throws InputError for empty, inconsistent or non-finite columns, naming the column and the index.
Evaluation evaluate(const EvaluationInput& input, const EvaluationOptions& options = {});

/// The value of a metric by its name, or null if the evaluation has none.
const MetricValue* find_metric(const Evaluation& evaluation, std::string_view name, std::size_t pair = 0);

/// {"n_samples": .., "metrics": {NAME: {"value", "error", "unit", "floor": {"value", "deviation"}}, ..},
///  "torsion_pairs": [{"name": "ALA 2", NAME: {..}, ..}], ..}; shares are fractions, not per cent; what is not finite
///  is null.
nlohmann::ordered_json to_json(const Evaluation& evaluation);

/// A table for people: label, value +- error with no more digits than the error deserves, unit, floor. Ends in a
/// newline.
std::string to_text(const Evaluation& evaluation);

/// "0.25 +- 0.04", "-175.004 +- 0.002": the error has two digits if its first is 1 or 2, else one. Without a usable
/// error (NaN) four significant digits of the value and no "+-"; plus_minus may be another sign.
std::string format_estimate(Estimate estimate, std::string_view plus_minus = "+-");

}  // namespace boltzflow
