// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "boltzflow/flow/conditioner_precision.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/train.hpp"
#include "boltzflow/training/trainer.hpp"

namespace boltzflow {

/// What methods share that take a given number of gradient steps on data: the schedule (half a cosine after the
/// warm-up), the running average of the parameters, reports, and their state in a checkpoint. A method of this kind
/// gives the loss of one step.
class GradientDescent : public Method {
 public:
  explicit GradientDescent(const TrainingOptions& options);
  MethodState advance(Trainer& trainer) final;
  void finish(Trainer& trainer) final;
  void save(CheckpointWriter& checkpoint) const final;
  void load(const CheckpointReader& checkpoint, Trainer& trainer) final;

 protected:
  using Metrics = std::vector<std::pair<std::string, double>>;

  /// Once before the first step of a session, of a resumed one too: makes what steps need and checkpoints do not hold.
  /// Random numbers must come from prepare_random(), so that a resumed run makes the same.
  /// False if it was stopped on the way; it is called again then.
  virtual bool prepare(Trainer& trainer) { return static_cast<void>(trainer), true; }
  /// The loss of step `step`, with its gradient in the parameters. Random numbers from trainer.random().
  virtual double backward(Trainer& trainer, std::int64_t step) = 0;
  virtual std::string phase(std::int64_t step) const = 0;
  virtual std::int64_t n_steps() const { return options_.fit.gradient_steps; }
  /// Measured on the validation data without gradients; `averaged` parameters are in the flow.
  virtual Metrics validate(Trainer& trainer) = 0;
  /// Whether log_prob of the flow's own samples is cheap enough to follow the ESS.
  virtual bool can_monitor() const { return true; }

  static RandomStream prepare_random(const Trainer& trainer);

  const TrainingOptions options_;
  const ConditionerPrecision precision_, sampling_precision_;

 private:
  void report(Trainer& trainer);

  bool prepared_ = false;
  std::int64_t step_ = 0, n_summed_ = 0;
  double loss_sum_ = 0, norm_sum_ = 0;
};

/// One batch of maximum likelihood: the loss is -1/n sum log q(x) over n drawn data.
double maximum_likelihood_backward(Trainer& trainer, std::int64_t n, ConditionerPrecision precision);

/// -1/n sum log q(x) over the validation points, or NaN if there are none.
double validation_nll(Trainer& trainer, std::int64_t n, ConditionerPrecision precision);

}  // namespace boltzflow
