// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/evaluation/bootstrap.hpp"
#include "boltzflow/evaluation/transport_metrics.hpp"
#include "boltzflow/evaluation/wasserstein.hpp"

namespace boltzflow {
namespace {

constexpr int n_floor_draws = 10;

template <class Columns>
void gather_columns(const Columns& from, std::span<const std::uint32_t> indices, Columns& to) {
  const auto gather = [&](const std::vector<double>& column) {
    return column.empty() ? std::vector<double>() : gathered(column, indices);
  };
  to.log_prob = gather(from.log_prob);
  to.reduced_energy = gather(from.reduced_energy);
  for (const auto& column : from.phi) to.phi.push_back(gather(column));
  for (const auto& column : from.psi) to.psi.push_back(gather(column));
}

/// Independent samples may stand in any order; sorted by energy, every bootstrap replicate of them is sorted too, which
/// spares E-W1 and E-W2 a sort per replicate.
FrameColumns sorted_by_energy(const FrameColumns& samples) {
  std::vector<std::uint32_t> order;
  for (const std::size_t n : sorting_order(samples.reduced_energy)) order.push_back(static_cast<std::uint32_t>(n));
  FrameColumns sorted;
  gather_columns(samples, order, sorted);
  return sorted;
}

ReferenceColumns resampled(const ReferenceColumns& from, std::size_t n_frames, const RandomStream& stream) {
  const auto indices = bootstrap_indices(n_frames, from.n_blocks, stream);
  ReferenceColumns to;
  gather_columns(from, indices, to);
  if (!from.representable.empty())
    for (const std::uint32_t n : indices) to.representable.push_back(from.representable[n]);
  return to;
}

/// The values of all metrics that `like` allows, in order; NaN where this data does not allow them.
std::vector<double> values_of(const MetricData& data, const MetricData& like) {
  std::vector<double> values;
  for (const MetricEntry& metric : metrics()) {
    if (!is_available(metric, like)) continue;
    const std::size_t n_pairs = metric.per_pair ? std::max(like.raw.size(), like.expected.size()) : 1;
    for (std::size_t pair = 0; pair < n_pairs; ++pair)
      values.push_back(is_available(metric, data) ? metric.value(data, pair)
                                                  : std::numeric_limits<double>::quiet_NaN());
  }
  return values;
}

Estimate mean_of(const std::vector<Estimate>& estimates) {
  Estimate mean{0, 0};
  const auto n = static_cast<double>(estimates.size());
  for (const Estimate& estimate : estimates) {
    mean.value += estimate.value / n;
    mean.error += estimate.error / n;
  }
  return mean;
}

struct Floors {
  Estimate total_variation, kullback_leibler;
};

/// The floor of n_samples draws, mean over torsion pairs.
Floors floors_of(const MetricData& data, const std::vector<double>& effective_sizes, double n_samples,
                 const RandomStream& stream) {
  std::vector<Estimate> total_variations, divergences;
  for (std::size_t pair = 0; pair < data.expected.size(); ++pair) {
    const auto floor =
        finite_sample_floor(data.expected[pair], effective_sizes[pair], n_samples, n_floor_draws, stream.child(pair));
    total_variations.push_back(floor.total_variation);
    divergences.push_back(floor.kullback_leibler);
  }
  return {mean_of(total_variations), mean_of(divergences)};
}

void add_floors(const EvaluationInput& input, const MetricData& data, const RandomStream& stream,
                Evaluation& evaluation) {
  std::vector<Estimate> total_variations, divergences;
  std::vector<double> effective_sizes;
  const auto& reference = *input.reference;
  for (std::size_t pair = 0; pair < reference.phi.size(); ++pair) {
    const auto halves = split_reference(reference.phi[pair], reference.psi[pair], reference.n_blocks,
                                        evaluation.options.n_bins, evaluation.options.n_splits, stream.child(pair));
    total_variations.push_back(halves.total_variation);
    divergences.push_back(halves.kullback_leibler);
    effective_sizes.push_back(halves.effective_size);
  }
  double mean_size = 0;
  for (const double size : effective_sizes) mean_size += size / static_cast<double>(effective_sizes.size());
  evaluation.halves = ReferenceHalves{mean_of(total_variations), mean_of(divergences), mean_size};
  const double ess = effective_sample_size(data.log_weight, data.clip_fraction).count;
  const Floors raw =
      floors_of(data, effective_sizes, static_cast<double>(evaluation.n_samples), stream.child(1'000'000));
  const Floors reweighted = floors_of(data, effective_sizes, ess, stream.child(1'000'001));
  for (MetricValue& value : evaluation.metrics) {
    switch (value.metric->floor) {
      case MetricFloor::none:
        break;
      case MetricFloor::total_variation:
        value.floor = raw.total_variation;
        break;
      case MetricFloor::total_variation_reweighted:
        value.floor = reweighted.total_variation;
        break;
      case MetricFloor::kullback_leibler:
        value.floor = raw.kullback_leibler;
        break;
      case MetricFloor::kullback_leibler_reweighted:
        value.floor = reweighted.kullback_leibler;
        break;
    }
  }
}

}  // namespace

Evaluation evaluate(const EvaluationInput& input, const EvaluationOptions& options) {
  if (!(input.temperature > 0))
    throw InputError(fmt::format("the temperature is {} K; it must be positive", input.temperature));
  if (options.n_bins < 1)
    throw InputError(fmt::format("{} histogram bins were asked for; use at least 1", options.n_bins));
  const ReferenceColumns* reference = input.reference ? &*input.reference : nullptr;
  const MetricData data(input.samples, reference, input.temperature, options);

  Evaluation evaluation;
  evaluation.n_samples = data.log_weight.size();
  evaluation.n_zero_weights = static_cast<std::size_t>(
      std::count(data.log_weight.begin(), data.log_weight.end(), -std::numeric_limits<double>::infinity()));
  evaluation.temperature = input.temperature;
  evaluation.options = options;
  evaluation.torsion_pair_names = input.torsion_pair_names;
  for (std::size_t pair = evaluation.torsion_pair_names.size(); pair < std::max(data.raw.size(), data.expected.size());
       ++pair)
    evaluation.torsion_pair_names.push_back(std::to_string(pair + 1));
  if (reference != nullptr) {
    evaluation.n_reference_frames = frame_count(*reference);
    evaluation.n_reference_blocks = reference->n_blocks;
    if (!reference->representable.empty())
      evaluation.representable_fraction =
          1 - static_cast<double>(std::count(reference->representable.begin(), reference->representable.end(), 0)) /
                  static_cast<double>(evaluation.n_reference_frames);
  }

  const RandomStream stream(options.seed, 0x6576616cu);
  const std::vector<double> values = values_of(data, data);
  const FrameColumns sorted_samples = sorted_by_energy(input.samples);
  const std::vector<double> errors =
      bootstrap_errors(options.n_replicates, stream.child(0), [&](const RandomStream& random) {
        FrameColumns samples;
        gather_columns(sorted_samples, bootstrap_indices(evaluation.n_samples, 0, random.child(0)), samples);
        std::optional<ReferenceColumns> resampled_reference;
        if (reference != nullptr)
          resampled_reference = resampled(*reference, evaluation.n_reference_frames, random.child(1));
        try {
          return values_of(
              MetricData(samples, resampled_reference ? &*resampled_reference : nullptr, input.temperature, options),
              data);
        } catch (
            const InputError&) {  // of input that was good, a replicate without a weight: its error is not resolved
          return std::vector<double>(values.size(), std::numeric_limits<double>::quiet_NaN());
        }
      });
  std::size_t i = 0;
  for (const MetricEntry& metric : metrics()) {
    if (!is_available(metric, data)) continue;
    const std::size_t n_pairs = metric.per_pair ? std::max(data.raw.size(), data.expected.size()) : 1;
    for (std::size_t pair = 0; pair < n_pairs; ++pair, ++i)
      evaluation.metrics.push_back({&metric, pair, {values[i], errors[i]}, std::nullopt});
  }
  const bool can_split = reference != nullptr && !data.raw.empty() && !data.expected.empty() &&
                         evaluation.n_reference_frames >= 2 && reference->n_blocks != 1;
  if (can_split) add_floors(input, data, stream.child(1), evaluation);
  for (const MetricValue& value : transport_metric_values(input, data.weight, options, stream.child(2)))
    evaluation.metrics.push_back(value);
  return evaluation;
}

const MetricValue* find_metric(const Evaluation& evaluation, std::string_view name, std::size_t pair) {
  for (const MetricValue& value : evaluation.metrics)
    if (value.metric->name == name && value.pair == pair) return &value;
  return nullptr;
}

}  // namespace boltzflow
