// SPDX-License-Identifier: MIT
#include "boltzflow/training/methods/gradient_descent.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/training/checkpoint.hpp"
#include "boltzflow/training/mean_gradient.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {
namespace {

constexpr std::uint64_t preparation_stream = 3;  // beside the Trainer's 1 and 2

}  // namespace

GradientDescent::GradientDescent(const TrainingOptions& options)
    : options_(options),
      precision_(parse_conditioner_precision(options.trainer.precision)),
      sampling_precision_(parse_conditioner_precision(options.trainer.sampling_precision)) {}

RandomStream GradientDescent::prepare_random(const Trainer& trainer) {
  return RandomStream(trainer.random().seed(), preparation_stream);
}

MethodState GradientDescent::advance(Trainer& trainer) {
  if (!prepared_) {
    if (!trainer.data())
      throw ConfigurationError("training.method: \"" + options_.trainer.method +
                               "\" learns from data; give frames with --data");
    if (!prepare(trainer)) return MethodState::running;
    prepared_ = true;
    if (step_ == 0) trainer.optimizer().start_average(options_.trainer.ema_decay);
  }
  const double fraction = static_cast<double>(step_) / static_cast<double>(n_steps());
  const double end = options_.fit.learning_rate_end;
  const double rate = options_.trainer.learning_rate * (end + (1 - end) * 0.5 * (1 + std::cos(pi * fraction)));
  const Trainer::GradientStep taken = trainer.gradient_step(rate, [&] { return backward(trainer, step_); });
  if (taken.applied) {
    loss_sum_ += taken.loss;
    norm_sum_ += taken.gradient_norm;
    ++n_summed_;
  }
  ++step_;
  const bool done = step_ >= n_steps(), out_of_time = trainer.seconds_left() <= 0;
  if (done || out_of_time || step_ % options_.fit.report_steps == 0) report(trainer);
  if (done) return MethodState::finished;
  return out_of_time ? MethodState::out_of_budget : MethodState::running;
}

void GradientDescent::report(Trainer& trainer) {
  const double n = static_cast<double>(n_summed_);
  StepReport row;
  row.phase = phase(step_ - 1);
  row.step = step_;
  row.expected_steps = n_steps();
  row.expected_fraction = static_cast<double>(step_) / static_cast<double>(n_steps());
  Metrics metrics = {{"loss", loss_sum_ / n}, {"gradient_norm", norm_sum_ / n}};
  loss_sum_ = norm_sum_ = 0;
  n_summed_ = 0;

  // What the run will end with are the averaged parameters, so these are measured.
  const at::Tensor parameters = trainer.flow().flat_parameters();
  trainer.optimizer().copy_average_to_parameters();
  trainer.flow().parameters_changed();
  for (auto& metric : validate(trainer)) metrics.push_back(std::move(metric));
  double ess = std::numeric_limits<double>::quiet_NaN(), log_z = ess;
  if (can_monitor() && options_.fit.monitor_samples > 0 && trainer.evaluations_left() >= options_.fit.monitor_samples) {
    const SampleBuffer samples = trainer.draw(options_.fit.monitor_samples);
    std::vector<double> log_weight(static_cast<std::size_t>(samples.size()));
    for (std::size_t i = 0; i < log_weight.size(); ++i)
      log_weight[i] = -samples.reduced_energy[i] - samples.log_prob[i];
    log_z = log_mean_exp(log_weight);
    ess = effective_sample_size(clip_log_weights(log_weight, options_.cmt.weight_clip_fraction)).fraction;
  }
  metrics.insert(metrics.end(), {{"ess_target", ess}, {"log_z_target", log_z}});
  trainer.flow().set_flat_parameters(parameters);

  metrics.insert(metrics.end(), {{"evaluations", static_cast<double>(trainer.n_evaluations())},
                                 {"gradient_steps", static_cast<double>(trainer.n_gradient_steps())},
                                 {"skipped", static_cast<double>(trainer.n_skipped())},
                                 {"seconds", trainer.elapsed_seconds()}});
  row.metrics = std::move(metrics);
  trainer.report(row);
}

void GradientDescent::finish(Trainer& trainer) {
  if (!trainer.optimizer().averages()) return;
  trainer.optimizer().copy_average_to_parameters();
  trainer.flow().parameters_changed();
}

void GradientDescent::save(CheckpointWriter& checkpoint) const {
  checkpoint.values["gradient_descent"] = {{"step", step_}, {"n_summed", n_summed_}};
  checkpoint.add_copy("gradient_descent.sums", {loss_sum_, norm_sum_});
}

void GradientDescent::load(const CheckpointReader& checkpoint, Trainer& trainer) {
  static_cast<void>(trainer);
  const auto values = checkpoint.value<nlohmann::json>("gradient_descent");
  step_ = values.at("step");
  n_summed_ = values.at("n_summed");
  const auto sums = checkpoint.array<double>("gradient_descent.sums");
  if (sums.size() != 2) checkpoint.fail("the state of the method is malformed: it has the wrong number of numbers");
  loss_sum_ = sums[0];
  norm_sum_ = sums[1];
}

double maximum_likelihood_backward(Trainer& trainer, std::int64_t n, ConditionerPrecision precision) {
  const at::Device device = trainer.optimizer().parameters().front().device();
  const at::Tensor x = trainer.data()->draw(n, trainer.random()).to(device);
  return backward_of_mean(trainer.flow(), n, [&](std::int64_t first, std::int64_t count) {
    return -trainer.flow().log_prob(x.narrow(0, first, count), precision).mean();
  });
}

double validation_nll(Trainer& trainer, std::int64_t n, ConditionerPrecision precision) {
  const TrainingData& data = *trainer.data();
  if (n == 0 || data.n_validation() == 0) return std::numeric_limits<double>::quiet_NaN();
  const at::Device device = trainer.optimizer().parameters().front().device();
  return -trainer.flow().log_prob_no_grad(data.validation(n).to(device), precision).mean().item<double>();
}

}  // namespace boltzflow
