// SPDX-License-Identifier: MIT
#include "boltzflow/app/model_evaluation.hpp"

#include <fmt/format.h>

#include "boltzflow/app/reference_frames.hpp"
#include "boltzflow/app/weighted_samples.hpp"

namespace boltzflow {

ModelEvaluation evaluate_model(const TrainedModel& model, const std::optional<Frames>& reference,
                               const ModelEvaluationOptions& options, Progress& progress) {
  const MolecularSystem& system = model.generator.system();
  ModelEvaluation result;
  EvaluationInput& input = result.input;
  input.temperature = model.generator.temperature();
  input.torsion_pair_names = torsion_pair_names(system);
  draw_weighted_samples(model.generator, *model.potential, options.n_samples, options.seed, options.precision,
                        [&](const WeightedSamples& batch) {
                          FrameColumns& samples = input.samples;
                          samples.log_prob.insert(samples.log_prob.end(), batch.log_prob.begin(), batch.log_prob.end());
                          samples.reduced_energy.insert(samples.reduced_energy.end(), batch.reduced_energy.begin(),
                                                        batch.reduced_energy.end());
                          add_torsions(samples, system, batch.positions);
                          result.sample_positions.insert(result.sample_positions.end(), batch.positions.begin(),
                                                         batch.positions.end());
                          progress.update(fmt::format("evaluate  {} of {} samples",
                                                      count_text(static_cast<double>(samples.log_prob.size())),
                                                      count_text(static_cast<double>(options.n_samples))));
                        });
  if (reference) {
    input.reference = reference_columns(*reference, system, *model.potential, input.temperature, &model.generator,
                                        options.n_reference_blocks);
    result.reference_positions.assign(reference->positions.begin(), reference->positions.end());
  }
  EvaluationOptions evaluation_options;
  evaluation_options.seed = static_cast<std::uint64_t>(options.seed);
  result.evaluation = evaluate(input, evaluation_options);
  return result;
}

}  // namespace boltzflow
