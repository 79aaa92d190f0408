// SPDX-License-Identifier: MIT
#pragma once
#include <functional>
#include <string>

#include "boltzflow/app/metrics_log.hpp"
#include "boltzflow/app/progress.hpp"
#include "boltzflow/training/train.hpp"

namespace boltzflow {

/// This writes every step of a training to its metrics files and shows it.
class RunObserver final : public TrainingObserver {
 public:
  /// @param save_model called after every checkpoint.
  RunObserver(MetricsLog& metrics, Progress& progress, std::function<void()> save_model)
      : metrics_(metrics), progress_(progress), save_model_(std::move(save_model)) {}

  void on_step(const StepReport& report) override;
  void on_message(const std::string& message) override { progress_.message(message); }
  void on_checkpoint() override { save_model_(); }

 private:
  MetricsLog& metrics_;
  Progress& progress_;
  std::function<void()> save_model_;
  TimeLeft time_;
};

/// The live line for a step: "anneal  step 21/~46   lambda 15.3   entropy -171.6   ...   2.3 M energies".
std::string step_text(const StepReport& report);

}  // namespace boltzflow
