// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "boltzflow/app/progress.hpp"
#include "boltzflow/app/round_trip.hpp"
#include "boltzflow/app/trained_model.hpp"
#include "boltzflow/evaluation/evaluate.hpp"
#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {

/// What is asked of an evaluation of a model.
struct ModelEvaluationOptions {
  std::int64_t n_samples = 100000;  ///< fresh samples
  std::int64_t seed = 1;
  std::int64_t n_reference_blocks = 64;
  ConditionerPrecision precision = ConditionerPrecision::float32;
  int n_transport_points = 2000;  ///< see EvaluationOptions
  double drop_fraction = 0;       ///< likewise
};

/// The numbers, and the samples and frames they came from, which a report draws.
struct ModelEvaluation {
  EvaluationInput input;
  Evaluation evaluation;
  RoundTrip round_trip;
  std::vector<float> sample_positions;     ///< [n_samples, n_atoms, 3] nm
  std::vector<float> reference_positions;  ///< [n_frames, n_atoms, 3] nm; empty without a reference
};

/// Draws fresh samples of a model and evaluates them, against reference frames where there are some: then the distances
/// of compared_pairs() too.
ModelEvaluation evaluate_model(const TrainedModel& model, const std::optional<Frames>& reference,
                               const ModelEvaluationOptions& options, Progress& progress);

/// to_json(Evaluation) with "round_trip"; what evaluation.json holds.
nlohmann::ordered_json to_json(const ModelEvaluation& evaluation);
/// to_text(Evaluation) with the round trip.
std::string to_text(const ModelEvaluation& evaluation);

}  // namespace boltzflow
