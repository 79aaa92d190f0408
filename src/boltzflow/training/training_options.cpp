// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/train.hpp"

namespace boltzflow {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();
constexpr double largest_count = 1e12;

// A prior of the flow's kind loses about this much entropy on the way to a molecule at room temperature, per dimension
// (measured: alanine dipeptide 1.27, hexapeptide 1.49, with bonds and angles normalised as in InternalCoordinates).
constexpr double entropy_loss_per_dimension = 1.25;
// Annealing steps per square root of the dimension. A contraction that loses h nats of entropy costs about h^2 / d nats
// of KL divergence, so equal KL per step means a loss per step, and a number of steps, that grow with the square root.
constexpr double annealing_steps_per_root_dimension = 6.2;
constexpr std::int64_t fewest_annealing_steps = 12;
constexpr std::int64_t default_refinement_rounds = 40;
constexpr std::int64_t rounds_without_limit = 1'000'000;  // where the time is the limit

void describe_trainer(TrainerOptions& options, OptionTable& table) {
  std::vector<std::string> names;
  for (const MethodEntry& method : methods()) names.push_back(method.name);
  table.add("training.method", options.method, names, "how the flow is trained");
  table.add("training.seed", options.seed, 0, 9e15, "of every random number of the training");
  table.add("training.learning_rate", options.learning_rate, 0, 1, "of Adam, after the warm-up");
  table.add("training.warm_up_steps", options.warm_up_steps, 0, largest_count,
            "gradient steps over which the learning rate rises from 0");
  table.add("training.gradient_norm_clip", options.gradient_norm_clip, 0, unlimited,
            "longer gradients are scaled down to this norm; 0: never");
  table.add("training.batch_size", options.batch_size, 1, 1e7, "samples per gradient step");
  table.add("training.ema_decay", options.ema_decay, 0, 0.999999,
            "of the running average of the parameters: over the refinement's gradient steps, or all those on data");
  table.add("training.weight_decay", options.weight_decay, 0, 1,
            "of the parameters per unit of learning rate, decoupled from the gradient");
  table.add("training.precision", options.precision, {"float32", "bfloat16", "split-bfloat16"},
            "of the conditioners in gradient steps");
  table.add("training.sampling_precision", options.sampling_precision, {"float32", "bfloat16", "split-bfloat16"},
            "of the conditioners where log-likelihoods are kept");
  table.add("training.maximum_minutes", options.maximum_minutes, 0, unlimited,
            "wall-clock budget of training; 0: none");
  table.add("training.maximum_evaluations", options.maximum_evaluations, 0, 9e15, "budget of target energies; 0: none");
  table.add("training.checkpoint_minutes", options.checkpoint_minutes, 0, unlimited, "between checkpoints");
}

void describe_cmt(CmtOptions& options, OptionTable& table) {
  const auto key = [](const char* name) { return std::string("method.cmt.") + name; };
  table.add(key("constraints"), options.constraints, {"both", "trust-region", "entropy", "none"},
            "of every annealing step; none: a fixed schedule");
  table.add(key("schedule"), options.schedule, {"geometric", "linear"},
            "of the target's exponent, with constraints none");
  table.add(key("trust_region"), options.trust_region, 1e-6, 1e6, "nats between neighbouring distributions at most");
  table.add(key("early_trust_region"), options.early_trust_region, 1e-6, 1e6,
            "the same, in nats, until lambda first falls below early_lambda");
  table.add(key("early_lambda"), options.early_lambda, 0, unlimited, "see early_trust_region");
  table.add(key("entropy_decrease"), options.entropy_decrease, 0, 1e6, "nats per step at most; 0: from the dimension");
  table.add(key("annealing_steps"), options.annealing_steps, 0, 1e6, "at most; 0: from the dimension");
  table.add(key("fixed_annealing_steps"), options.fixed_annealing_steps, "run exactly annealing_steps, as published");
  table.add(key("samples_per_step"), options.samples_per_step, 16, 1e8, "fresh target energies per annealing step");
  table.add(key("gradient_steps"), options.gradient_steps, 1, 1e8, "per annealing step");
  table.add(key("annealing_learning_rate_end"), options.annealing_learning_rate_end, 0, 1,
            "fraction of itself that the learning rate falls to by a cosine within every annealing step; 1: constant");
  table.add(key("buffer_weighting"), options.buffer_weighting, {"resample", "weight"},
            "whether batches are drawn by weight, or uniformly and weighted in the loss");
  table.add(key("log_dispersion"), options.log_dispersion, 0, 1e6,
            "coefficient of the log-dispersion term while annealing");
  table.add(key("log_dispersion_clip"), options.log_dispersion_clip, 1e-6, unlimited,
            "nats; deviations beyond count as this much");
  table.add(key("weight_clip_fraction"), options.weight_clip_fraction, 0, 0.5,
            "this fraction of the largest weights is set to the smallest among them");
  table.add(key("refinement_ess"), options.refinement_ess, 0, 1.01,
            "effective sample size to the target at which the refinement begins, of 1");
  table.add(key("refinement_rounds"), options.refinement_rounds, 0, 1e9,
            "at most; 0: 40, or as many as maximum_minutes allows, or none with fixed_annealing_steps");
  table.add(key("refinement_samples"), options.refinement_samples, 16, 1e8, "fresh target energies per round");
  table.add(key("refinement_gradient_steps"), options.refinement_gradient_steps, 1, 1e8, "per round");
  table.add(key("refinement_learning_rate"), options.refinement_learning_rate, 0, 1,
            "falls by a cosine to 0; 0: training.learning_rate");
  table.add(key("refinement_log_dispersion"), options.refinement_log_dispersion, 0, 1e6,
            "coefficient of the log-dispersion term in the refinement");
  table.add(key("refinement_path_gradient"), options.refinement_path_gradient,
            "whether the refinement fits forces too, by path gradients");
  table.add(key("kept_annealing_buffers"), options.kept_annealing_buffers, 0, 32,
            "buffers of broad flows that are reused to the end");
  table.add(key("kept_refinement_buffers"), options.kept_refinement_buffers, 0, 32,
            "latest buffers of the refinement that are used together; 0 or 1: the newest alone");
  table.add(key("early_stop_gain"), options.early_stop_gain, 0, 1,
            "end when the smoothed effective sample size grew by less over 10 rounds, of 1; 0: run all rounds");
}

}  // namespace

void TrainingOptions::describe(OptionTable& table) {
  describe_trainer(trainer, table);
  flow.describe(table);
  describe_cmt(cmt, table);
  fit.describe(table);
  regflow.describe(table);
  flow_matching.describe(table);
}

TrainingOptions resolve_training_options(TrainingOptions options, int dimension) {
  std::string errors;
  const auto require = [&](bool condition, const std::string& message) {
    if (!condition) errors += (errors.empty() ? "" : "\n") + message;
  };
  TrainerOptions& trainer = options.trainer;
  CmtOptions& cmt = options.cmt;
  require(options.flow.spline.n_couplings % 2 == 0,
          fmt::format("flow.n_couplings: {} is not even; couplings come in pairs", options.flow.spline.n_couplings));
  require(trainer.learning_rate > 0, "training.learning_rate: 0 trains nothing; use a positive number such as 1e-3");
  const bool energy_only = trainer.method == "cmt";
  require(!energy_only || trainer.batch_size <= cmt.samples_per_step,
          fmt::format("training.batch_size: {} is larger than method.cmt.samples_per_step, {}", trainer.batch_size,
                      cmt.samples_per_step));
  require(!energy_only || trainer.batch_size <= cmt.refinement_samples,
          fmt::format("training.batch_size: {} is larger than method.cmt.refinement_samples, {}", trainer.batch_size,
                      cmt.refinement_samples));
  require(!energy_only || trainer.maximum_evaluations == 0 || trainer.maximum_evaluations >= cmt.samples_per_step,
          fmt::format("training.maximum_evaluations: {} does not pay for one annealing step of {} samples",
                      trainer.maximum_evaluations, cmt.samples_per_step));
  if (!errors.empty()) throw ConfigurationError(errors);
  find_method(trainer.method);

  if (cmt.annealing_steps == 0)
    cmt.annealing_steps = std::max(fewest_annealing_steps,
                                   std::lround(annealing_steps_per_root_dimension * std::sqrt(double(dimension))));
  if (cmt.entropy_decrease == 0)  // the entropy constraint is to become inactive half-way
    cmt.entropy_decrease = entropy_loss_per_dimension * dimension / (0.5 * static_cast<double>(cmt.annealing_steps));
  // A fixed number of steps is the published method, which has no refinement; naming rounds adds one.
  if (cmt.refinement_rounds == 0 && !cmt.fixed_annealing_steps)
    cmt.refinement_rounds = trainer.maximum_minutes > 0 ? rounds_without_limit : default_refinement_rounds;
  if (cmt.refinement_learning_rate == 0) cmt.refinement_learning_rate = trainer.learning_rate;
  if (cmt.kept_refinement_buffers == 0) cmt.kept_refinement_buffers = 1;
  return options;
}

}  // namespace boltzflow
