// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "boltzflow/evaluation/evaluation_input.hpp"
#include "boltzflow/evaluation/ramachandran.hpp"

namespace boltzflow {

/// What metrics are computed from: the columns, or a bootstrap replicate of them, and what several metrics share.
struct MetricData {
  /// @throws InputError as log_importance_weights() and normalized_weights(), and if columns differ in length.
  /// Keeps references to samples and reference (null: none).
  MetricData(const FrameColumns& samples, const ReferenceColumns* reference, double temperature,
             const EvaluationOptions& options);

  const FrameColumns& samples;
  const ReferenceColumns* reference;
  double temperature;  ///< K
  double clip_fraction;
  std::vector<double> log_weight;            ///< [n_samples] -u - log q
  std::vector<double> weight;                ///< [n_samples] filtered and clipped, sum 1
  std::vector<double> reference_log_weight;  ///< of the representable frames; empty: not known
  std::vector<double> reference_log_prob;    ///< of the representable frames; empty: not known
  std::vector<CircularHistogram> raw, reweighted,
      expected;  ///< [n_pairs] Ramachandran of the flow and of the reference
};

/// What a metric needs besides samples.
enum class MetricNeeds { nothing, reference_energy, reference_log_prob, torsions, reference_torsions, both_torsions };

/// Which finite-sample floor belongs beside a metric.
enum class MetricFloor {
  none,
  total_variation,
  total_variation_reweighted,
  kullback_leibler,
  kullback_leibler_reweighted
};

/// One row of the table of metrics. Adding a metric is a file that computes it, a row here and a test.
struct MetricEntry {
  const char* name;           ///< the key in JSON
  const char* label;          ///< for people
  const char* unit;           ///< of the displayed value, "" for a pure number
  double display_factor;      ///< displayed = value times this
  const char* documentation;  ///< one line
  MetricNeeds needs;
  bool per_pair;  ///< one value per torsion pair, else one in all
  MetricFloor floor;
  double (*value)(const MetricData& data, std::size_t pair);
};

std::span<const MetricEntry> metrics();

/// The number of reference frames, from the longest column.
std::size_t frame_count(const ReferenceColumns& reference);

/// True if `data` has what the metric needs.
bool is_available(const MetricEntry& metric, const MetricData& data);

}  // namespace boltzflow
