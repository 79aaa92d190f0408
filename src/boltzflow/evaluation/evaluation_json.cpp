// SPDX-License-Identifier: MIT
#include <cmath>
#include <nlohmann/json.hpp>

#include "boltzflow/evaluation/evaluate.hpp"

namespace boltzflow {
namespace {

nlohmann::ordered_json number(double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nullptr; }

nlohmann::ordered_json to_json(const MetricValue& value) {
  const char* unit = value.metric->display_factor == 1 ? value.metric->unit : "";
  nlohmann::ordered_json json{
      {"value", number(value.estimate.value)}, {"error", number(value.estimate.error)}, {"unit", unit}};
  if (value.floor) json["floor"] = {{"value", number(value.floor->value)}, {"deviation", number(value.floor->error)}};
  if (value.n_points > 0) json["n_points"] = value.n_points;
  return json;
}

}  // namespace

nlohmann::ordered_json to_json(const Evaluation& evaluation) {
  nlohmann::ordered_json json{{"n_samples", evaluation.n_samples},
                              {"n_zero_weights", evaluation.n_zero_weights},
                              {"temperature", evaluation.temperature},
                              {"clip_fraction", evaluation.options.clip_fraction},
                              {"drop_fraction", evaluation.options.drop_fraction},
                              {"n_bootstrap_replicates", evaluation.options.n_replicates},
                              {"ramachandran_bins", evaluation.options.n_bins}};
  if (evaluation.n_reference_frames > 0) {
    json["n_reference_frames"] = evaluation.n_reference_frames;
    json["n_reference_blocks"] = evaluation.n_reference_blocks;
    json["representable_fraction"] = evaluation.representable_fraction;
  }
  if (evaluation.halves) {
    const auto& halves = *evaluation.halves;
    json["reference_halves"] = {
        {"total_variation",
         {{"value", number(halves.total_variation.value)}, {"deviation", number(halves.total_variation.error)}}},
        {"kullback_leibler",
         {{"value", number(halves.kullback_leibler.value)}, {"deviation", number(halves.kullback_leibler.error)}}},
        {"effective_size", number(halves.effective_size)}};
  }
  json["metrics"] = nlohmann::ordered_json::object();
  json["torsion_pairs"] = nlohmann::ordered_json::array();
  for (const std::string& name : evaluation.torsion_pair_names) json["torsion_pairs"].push_back({{"name", name}});
  for (const MetricValue& value : evaluation.metrics) {
    auto& place = value.metric->per_pair ? json["torsion_pairs"][value.pair] : json["metrics"];
    place[value.metric->name] = to_json(value);
  }
  return json;
}

}  // namespace boltzflow
