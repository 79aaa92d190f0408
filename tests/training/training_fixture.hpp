// SPDX-License-Identifier: MIT
// What whole trainings on two-dimensional analytic targets share: an observer, small settings, a fixture.
#pragma once
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/trainer.hpp"
#include "training/analytic_targets.hpp"

namespace boltzflow {

class Recorder final : public TrainingObserver {
 public:
  std::vector<StepReport> reports;
  std::vector<std::string> messages;
  std::vector<std::size_t> checkpoints;  ///< reports there were at each
  std::function<void()> at_checkpoint;

  void on_step(const StepReport& report) override { reports.push_back(report); }
  void on_message(const std::string& message) override { messages.push_back(message); }
  void on_checkpoint() override {
    checkpoints.push_back(reports.size());
    if (at_checkpoint) at_checkpoint();
  }
  bool said(const std::string& text) const {
    for (const std::string& message : messages)
      if (message.find(text) != std::string::npos) return true;
    return false;
  }
};

inline double metric(const StepReport& report, const std::string& name) {
  for (const auto& [key, value] : report.metrics)
    if (key == name) return value;
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

inline TrainingOptions small_options() {
  TrainingOptions options;
  options.flow.spline.n_couplings = 4;
  options.flow.spline.hidden_width = 32;
  options.flow.spline.n_hidden_layers = 2;
  options.trainer.precision = options.trainer.sampling_precision = "float32";
  options.trainer.batch_size = 256;
  options.trainer.learning_rate = 5e-3;
  options.trainer.warm_up_steps = 20;
  options.trainer.ema_decay = 0.98;
  options.cmt.samples_per_step = options.cmt.refinement_samples = 4096;
  options.cmt.gradient_steps = 30;
  options.cmt.annealing_steps = 12;
  options.cmt.refinement_gradient_steps = 60;
  options.cmt.refinement_rounds = 8;
  return options;
}

class Training : public testing::Test {
 protected:
  Training() : folder_(std::filesystem::temp_directory_path() / ("boltzflow-training-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(folder_);
  }
  ~Training() override { std::filesystem::remove_all(folder_); }

  static SplineFlow make_flow(const TrainingOptions& options, bool circular) {
    return SplineFlow({{circular, 0, 0}, {circular, 0, 0}}, options.flow.spline, 17);
  }
  TrainingEnd run(SplineFlow& flow, const TargetDensity& target, const TrainingOptions& options, Recorder& recorder,
                  bool resume = false, const StopFlag& stop = {}) const {
    const TrainingOptions resolved = resolve_training_options(options, target.dimension());
    const std::unique_ptr<Method> method = find_method(resolved.trainer.method).make(resolved);
    Trainer trainer(flow, target, resolved, recorder);
    return trainer.run(*method, folder_, resume, stop);
  }

  struct Quality {
    double ess, log_z, basin;
  };
  static Quality quality(const SplineFlow& flow, const TargetDensity& target) {
    RandomStream random(99);
    const std::int64_t n = 50'000;
    const SplineFlow::Sample sample = flow.sample(n, random, ConditionerPrecision::float32);
    std::vector<double> log_det(n), energy(n), log_weight(n);
    std::vector<std::uint32_t> basins(n);
    target.evaluate({sample.z.const_data_ptr<float>(), static_cast<std::size_t>(2 * n)}, log_det, energy, basins, {});
    double raw = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      log_weight[i] = -energy[i] - (sample.log_prob.const_data_ptr<double>()[i] - log_det[i]);
      raw += basins[i] / static_cast<double>(n);
    }
    return {effective_sample_size(log_weight).fraction, log_mean_exp(log_weight), raw};
  }

  const std::filesystem::path folder_;
};

}  // namespace boltzflow
