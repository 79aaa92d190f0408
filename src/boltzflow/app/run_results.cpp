// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_results.hpp"

#include <fmt/format.h>

#include "boltzflow/app/sample_files.hpp"
#include "boltzflow/base/atomic_file.hpp"

namespace boltzflow {

RunResults write_run_results(const RunFolder& folder, const TrainedModel& model, const std::optional<Frames>& reference,
                             const ModelEvaluationOptions& options, std::int64_t n_samples_written,
                             Progress& progress) {
  const ModelEvaluation evaluation = evaluate_model(model, reference, options, progress);
  RunResults results{to_text(evaluation), {{"evaluation", to_json(evaluation)}}};
  write_file_atomically(folder.evaluation(), results.document["evaluation"].dump(2) + "\n");
  write_report(folder, model, evaluation);
  results.document["report"] = folder.report().string();
  results.text += fmt::format("\nreport      {}\n", folder.report().string());
  if (n_samples_written == 0) return results;
  SampleFiles files(folder.samples() / "samples", model.generator.system());
  draw_weighted_samples(model.generator, *model.potential, n_samples_written, options.seed, options.precision,
                        [&](const WeightedSamples& batch) { files.append(batch); });
  results.document["samples"] = nlohmann::ordered_json::array();
  for (const std::filesystem::path& path : files.finish()) {
    results.document["samples"].push_back(path.string());
    results.text += fmt::format("samples     {}\n", path.string());
  }
  return results;
}

}  // namespace boltzflow
