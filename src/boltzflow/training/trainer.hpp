// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/base/stop_flag.hpp"
#include "boltzflow/flow/density.hpp"
#include "boltzflow/training/adam.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/sample_buffer.hpp"
#include "boltzflow/training/target_density.hpp"
#include "boltzflow/training/train.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {

/// This is what all methods share: flow, target, optimiser, schedule, random streams, counters, budgets, checkpoints,
/// reports.
class Trainer {
 public:
  /// @param options resolved (resolve_training_options). The references must outlive the trainer.
  /// @param data for methods that learn from data; null for those that need none.
  Trainer(Density& flow, const TargetDensity& target, const TrainingOptions& options, TrainingObserver& observer,
          const TrainingData* data = nullptr);

  /// Runs a method to its end, its budget or a stop, writing checkpoints on the way. See train().
  TrainingEnd run(Method& method, const std::filesystem::path& checkpoint_folder, bool resume, const StopFlag& stop);

  // For methods:
  Density& flow() noexcept { return flow_; }
  const TargetDensity& target() const noexcept { return target_; }
  const TrainingData* data() const noexcept { return data_; }
  Adam& optimizer() noexcept { return optimizer_; }
  /// Random numbers for everything but sampling the flow: resampling, shuffling.
  RandomStream& random() noexcept { return random_; }
  const RandomStream& random() const noexcept { return random_; }

  /// Draws n samples of the flow, evaluates their energies (and scores, if wanted) and drops those that are not finite.
  /// @throws Error if none is left.
  SampleBuffer draw(std::int64_t n_samples, bool with_score = false);

  /// log q(x) of a buffer's samples under flat parameters, in float64; the flow itself stays as it is.
  std::vector<double> log_prob(const at::Tensor& flat_parameters, const SampleBuffer& samples);

  struct GradientStep {
    double loss;
    double gradient_norm;  ///< before clipping
    bool applied;          ///< false: loss or gradient was not finite; the step was skipped and counted
  };
  /// One step of the optimiser. `backward` fills the parameters' gradients (fresh: there are none before) and returns
  /// the loss; where that is not finite it need not have called backward. The learning rate is scaled by the warm-up.
  GradientStep gradient_step(double learning_rate, const std::function<double()>& backward);

  std::int64_t n_evaluations() const noexcept { return n_evaluations_; }
  std::int64_t n_non_finite() const noexcept { return n_non_finite_; }
  std::int64_t n_gradient_steps() const noexcept { return n_gradient_steps_; }  ///< skipped ones included
  std::int64_t n_skipped() const noexcept { return n_skipped_; }
  double warm_up_factor() const noexcept;  ///< of the learning rate of the next step

  /// Where a method may keep files beside the checkpoint.
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// What the flow's coordinates are, in words that differ where they do.
  std::string coordinates;
  bool stop_requested() const noexcept { return stop_ && stop_->stop_requested(); }

  double elapsed_seconds() const;  ///< of training, sessions before a resume included
  double seconds_left() const;     ///< of maximum_minutes; infinite without a budget
  std::int64_t evaluations_left() const;

  void message(const std::string& text) { observer_.on_message(text); }
  void report(const StepReport& report);

 private:
  void save(const Method& method, const std::filesystem::path& file, MethodState state) const;
  MethodState load(Method& method, const std::filesystem::path& file);

  Density& flow_;
  const TargetDensity& target_;
  const TrainingOptions options_;
  TrainingObserver& observer_;
  const TrainingData* data_;
  ConditionerPrecision sampling_precision_;
  Adam optimizer_;
  std::unique_ptr<Density> kept_flow_;  ///< evaluates kept parameters without touching the flow in training
  RandomStream sampling_random_, random_;
  std::int64_t n_evaluations_ = 0, n_non_finite_ = 0, n_gradient_steps_ = 0, n_skipped_ = 0, n_reports_ = 0;
  std::filesystem::path folder_;
  const StopFlag* stop_ = nullptr;
  double seconds_before_ = 0;
  std::int64_t start_nanoseconds_;
};

}  // namespace boltzflow
