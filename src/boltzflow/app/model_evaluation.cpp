// SPDX-License-Identifier: MIT
#include "boltzflow/app/model_evaluation.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

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
  const AtomPairs pairs = reference ? compared_pairs(system.n_atoms()) : AtomPairs();
  draw_weighted_samples(model.generator, *model.potential, options.n_samples, options.seed, options.precision,
                        [&](const WeightedSamples& batch) {
                          FrameColumns& samples = input.samples;
                          samples.log_prob.insert(samples.log_prob.end(), batch.log_prob.begin(), batch.log_prob.end());
                          samples.reduced_energy.insert(samples.reduced_energy.end(), batch.reduced_energy.begin(),
                                                        batch.reduced_energy.end());
                          add_torsions(samples, system, batch.positions);
                          add_distances(samples, pairs, system.n_atoms(), batch.positions);
                          result.sample_positions.insert(result.sample_positions.end(), batch.positions.begin(),
                                                         batch.positions.end());
                          progress.update(fmt::format("evaluate  {} of {} samples",
                                                      count_text(static_cast<double>(samples.log_prob.size())),
                                                      count_text(static_cast<double>(options.n_samples))));
                        });
  if (reference) {
    input.reference = reference_columns(*reference, system, *model.potential, input.temperature, &model.generator,
                                        options.n_reference_blocks);
    add_distances(*input.reference, pairs, system.n_atoms(), reference->positions);
    result.reference_positions.assign(reference->positions.begin(), reference->positions.end());
  }
  EvaluationOptions evaluation_options;
  evaluation_options.n_transport_points = options.n_transport_points;
  evaluation_options.drop_fraction = options.drop_fraction;
  evaluation_options.seed = static_cast<std::uint64_t>(options.seed);
  result.evaluation = evaluate(input, evaluation_options);
  result.round_trip = measure_round_trip(model.generator.flow(), options.seed);
  return result;
}

nlohmann::ordered_json to_json(const ModelEvaluation& evaluation) {
  nlohmann::ordered_json document = to_json(evaluation.evaluation);
  document["round_trip"] = to_json(evaluation.round_trip);
  return document;
}

std::string to_text(const ModelEvaluation& evaluation) {
  return to_text(evaluation.evaluation) + "\n" + to_text(evaluation.round_trip);
}

}  // namespace boltzflow
