// SPDX-License-Identifier: MIT
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "boltzflow/app/model_evaluation.hpp"
#include "boltzflow/app/run_folder.hpp"

namespace boltzflow {

/// What was written, for people and for programs.
struct RunResults {
  std::string text;
  nlohmann::ordered_json document;
};

/// Evaluates a run's model and writes evaluation.json, report.html and, unless n_samples_written is 0, samples/.
RunResults write_run_results(const RunFolder& folder, const TrainedModel& model, const std::optional<Frames>& reference,
                             const ModelEvaluationOptions& options, std::int64_t n_samples_written, Progress& progress);

/// Writes report.html of an evaluation, with the path of the training from the run's metrics.
void write_report(const RunFolder& folder, const TrainedModel& model, const ModelEvaluation& evaluation);

}  // namespace boltzflow
