// SPDX-License-Identifier: MIT
#include "boltzflow/training/train.hpp"

#include "boltzflow/training/boltzmann_target.hpp"
#include "boltzflow/training/checkpoint.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/trainer.hpp"

namespace boltzflow {

TrainingEnd train(BoltzmannGenerator& generator, const ReducedPotential& target, const TrainingData* data,
                  const TrainingOptions& options, const std::filesystem::path& checkpoint_folder, bool resume,
                  TrainingObserver& observer, const StopFlag& stop) {
  const BoltzmannTarget density(generator.system(), generator.coordinates(), target);
  const TrainingOptions resolved = resolve_training_options(options, density.dimension());
  const std::unique_ptr<Method> method = find_method(resolved.trainer.method).make(resolved);
  Trainer trainer(generator.flow(), density, resolved, observer, data);
  trainer.coordinates = description_of(generator.coordinate_options());
  return trainer.run(*method, checkpoint_folder, resume, stop);
}

CheckpointSummary read_checkpoint_summary(const std::filesystem::path& checkpoint_folder) {
  const CheckpointReader checkpoint(checkpoint_folder / "training.checkpoint");
  CheckpointSummary summary;
  summary.target = checkpoint.value<std::string>("target");
  summary.n_reports = checkpoint.value<std::int64_t>("n_reports");
  summary.n_evaluations = checkpoint.value<std::int64_t>("n_evaluations");
  summary.n_gradient_steps = checkpoint.value<std::int64_t>("n_gradient_steps");
  summary.elapsed_seconds = checkpoint.value<double>("elapsed_seconds");
  summary.finished = checkpoint.value<int>("state") == static_cast<int>(MethodState::finished);
  return summary;
}

}  // namespace boltzflow
