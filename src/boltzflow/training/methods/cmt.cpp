// SPDX-License-Identifier: MIT
// The first half of constrained mass transport, annealing, and what both halves share.
#include "boltzflow/training/methods/cmt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/training/fixed_schedule.hpp"
#include "boltzflow/training/resampling.hpp"

namespace boltzflow {
namespace {

// lambda has stopped falling when it has not come below 0.9 of its minimum for this many steps.
constexpr double stalled_ratio = 0.9;
constexpr std::int64_t stalled_steps = 6;
constexpr double vanished_multiplier = 1e-3;     // lambda + eta below this is the target itself
constexpr double annealing_share_of_time = 0.6;  // of maximum_minutes; the rest belongs to the refinement
// Time alone does not begin the refinement below this: with so few effective samples it would collapse onto them.
constexpr double least_ess_for_refinement = 0.01;

/// From `begin` at fraction 0 to `end` at fraction 1 along half a cosine.
double cosine(double fraction, double begin, double end) {
  return end + (begin - end) * 0.5 * (1 + std::cos(pi * fraction));
}

}  // namespace

MethodState ConstrainedMassTransport::advance(Trainer& trainer) {
  if (!in_round_) return begin_round(trainer);
  take_gradient_step(trainer);
  const bool out_of_time = trainer.seconds_left() <= 0;
  if (position_ < gradient_steps_per_round() && !out_of_time) return MethodState::running;
  end_round(trainer);
  if (out_of_time) return out_of_budget(trainer);
  return finished() ? MethodState::finished : MethodState::running;
}

MethodState ConstrainedMassTransport::out_of_budget(Trainer& trainer) const {
  if (!refining() && step_ < options_.annealing_steps)
    trainer.message(fmt::format(
        "the budget ended after annealing step {}, before the target was reached: the flow is broader than it; "
        "resume with a larger training.maximum_minutes or training.maximum_evaluations",
        step_));
  return MethodState::out_of_budget;
}

void ConstrainedMassTransport::finish(Trainer& trainer) {
  if (!trainer.optimizer().averages()) return;  // the budget ended before the refinement
  trainer.optimizer().copy_average_to_parameters();
  trainer.flow().parameters_changed();
}

CmtDualPoint ConstrainedMassTransport::next_point() {
  CmtDual dual(buffer_.log_prob, buffer_.reduced_energy);
  if (refining()) return dual.at(0, 0);
  if (scheduled()) return dual.at(lambda_of_schedule(options_.schedule, step_, options_.annealing_steps), 0);
  CmtConstraints constraints;
  if (options_.constraints != "entropy")
    constraints.trust_region = early_ ? options_.early_trust_region : options_.trust_region;
  if (options_.constraints != "trust-region") constraints.entropy_decrease = options_.entropy_decrease;
  return dual.solve(constraints);
}

ConstrainedMassTransport::TargetStatistics ConstrainedMassTransport::target_statistics() const {
  TargetStatistics target;
  target.log_weight.resize(buffer_.size());
  for (std::int64_t i = 0; i < buffer_.size(); ++i)
    target.log_weight[i] = -buffer_.reduced_energy[i] - buffer_.log_prob[i];
  target.log_z = log_mean_exp(target.log_weight);
  target.elbo =
      std::accumulate(target.log_weight.begin(), target.log_weight.end(), 0.0) / static_cast<double>(buffer_.size());
  target.ess_raw = effective_sample_size(target.log_weight).fraction;
  target.log_weight = clip_log_weights(target.log_weight, options_.weight_clip_fraction);
  target.ess = effective_sample_size(target.log_weight).fraction;
  return target;
}

MethodState ConstrainedMassTransport::begin_round(Trainer& trainer) {
  const std::int64_t n = refining() ? options_.refinement_samples : options_.samples_per_step;
  if (trainer.evaluations_left() < n || trainer.seconds_left() <= preparation_seconds_) return out_of_budget(trainer);
  const double begin = trainer.elapsed_seconds();
  position_ = 0;
  totals_ = {};
  buffer_ = trainer.draw(n, options_.refinement_path_gradient);
  const TargetStatistics target = target_statistics();
  if (refining())
    begin_refinement_round(trainer, target, false);
  else
    begin_annealing_round(trainer, target);
  in_round_ = true;
  preparation_seconds_ = trainer.elapsed_seconds() - begin;
  return MethodState::running;
}

std::string ConstrainedMassTransport::reason_to_refine(Trainer& trainer, const CmtDualPoint& next, double ess) {
  if (step_ >= options_.annealing_steps) return fmt::format("{} annealing steps are done", step_);
  if (trainer.elapsed_seconds() > annealing_share_of_time * 60 * trainer_options_.maximum_minutes &&
      trainer_options_.maximum_minutes > 0 && ess > least_ess_for_refinement)
    return fmt::format("{:.0f} % of the time are spent", 100 * annealing_share_of_time);
  if (options_.fixed_annealing_steps || scheduled()) return "";
  if (next.lambda + next.eta < vanished_multiplier) return "lambda and eta have vanished";
  if (ess > options_.refinement_ess) return fmt::format("the ESS to the target has reached {:.0f} %", 100 * ess);

  // With the entropy bound active lambda says nothing about progress, so only steps without it count.
  if (next.eta == 0 || options_.constraints == "entropy") {
    const double multiplier = next.lambda + next.eta;
    n_stalled_ = multiplier < stalled_ratio * least_multiplier_ ? 0 : n_stalled_ + 1;
    least_multiplier_ = std::min(least_multiplier_, multiplier);
    if (n_stalled_ >= stalled_steps) return fmt::format("lambda has stopped falling at {:.2g}", least_multiplier_);
  }
  return "";
}

void ConstrainedMassTransport::begin_annealing_round(Trainer& trainer, const TargetStatistics& target) {
  const CmtDualPoint next = next_point();
  const bool kept = keep_if_threshold_passed(trainer, target.ess, true);
  if (const std::string reason = reason_to_refine(trainer, next, target.ess); !reason.empty()) {
    start_refinement(trainer, reason);
    begin_refinement_round(trainer, target, kept);
    return;
  }
  if (next.lambda < options_.early_lambda) early_ = false;
  lambda_ = next.lambda;
  eta_ = next.eta;
  path_.advance(lambda_, eta_);

  std::vector<double> log_weight(buffer_.size());
  const double s = 1 + lambda_ + eta_;
  for (std::int64_t i = 0; i < buffer_.size(); ++i)
    log_weight[i] = (-buffer_.reduced_energy[i] - (1 + eta_) * buffer_.log_prob[i]) / s;
  log_weight = clip_log_weights(log_weight, options_.weight_clip_fraction);
  std::vector<BasinWeight> reweighted;
  for (std::size_t k = 0; k < trainer.target().basin_names().size(); ++k)
    reweighted.push_back(basin_weight(buffer_.basins, static_cast<int>(k), target.log_weight));
  start_metrics(trainer, next, target, 1.0, reweighted);
  choose_samples(trainer, std::move(log_weight));
}

void ConstrainedMassTransport::choose_samples(Trainer& trainer, std::vector<double> log_weight) {
  const std::vector<double> weights = normalized_weights(log_weight);
  const std::int64_t n = gradient_steps_per_round() * trainer_options_.batch_size;
  if (options_.buffer_weighting == "resample") {
    // Every chosen sample is used once, so its multiplicity over the round is its weight.
    order_ = systematic_resample(weights, n, trainer.random());
    shuffle(order_, trainer.random());
    weights_.clear();
    return;
  }
  weights_ = weights;  // of mean 1, so that the loss does not depend on the buffer's size
  for (double& weight : weights_) weight *= static_cast<double>(weights.size());
  order_.clear();
  std::vector<std::uint32_t> pass(weights.size());
  std::iota(pass.begin(), pass.end(), 0u);
  while (std::ssize(order_) < n) {
    shuffle(pass, trainer.random());
    order_.insert(order_.end(), pass.begin(),
                  pass.begin() + std::min<std::int64_t>(std::ssize(pass), n - std::ssize(order_)));
  }
}

void ConstrainedMassTransport::take_gradient_step(Trainer& trainer) {
  const double fraction = refining() ? refinement_fraction(trainer)
                                     : static_cast<double>(position_) / static_cast<double>(gradient_steps_per_round());
  const double rate = refining() ? cosine(fraction, options_.refinement_learning_rate, 0)
                                 : cosine(fraction, trainer_options_.learning_rate,
                                          trainer_options_.learning_rate * options_.annealing_learning_rate_end);
  // log q_{i+1} + constant in the flow's domain: (lambda log q_i - u) / s + log_det; the target itself in the
  // refinement.
  const double s = 1 + lambda_ + eta_;
  std::vector<const SampleBuffer*> buffers;
  if (refining())
    for (const auto& component : mixture_.components()) buffers.push_back(&component.samples);
  else
    buffers.push_back(&buffer_);
  fit_.gather(buffers, std::span(order_).subspan(position_ * trainer_options_.batch_size, trainer_options_.batch_size),
              weights_, [&](const SampleBuffer& samples, std::int64_t i) {
                return (lambda_ * samples.log_prob[i] - samples.reduced_energy[i]) / s + samples.log_det[i];
              });
  fit_.step(trainer, rate,
            {.log_dispersion = refining() ? options_.refinement_log_dispersion : options_.log_dispersion,
             .clip = options_.log_dispersion_clip,
             .path_gradient = refining() && options_.refinement_path_gradient},
            totals_);
  ++position_;
  ++(refining() ? n_refinement_gradient_steps_ : n_annealing_gradient_steps_);
}

void ConstrainedMassTransport::start_metrics(Trainer& trainer, const CmtDualPoint& point,
                                             const TargetStatistics& target, double reuse,
                                             const std::vector<BasinWeight>& reweighted) {
  metric_names_.clear();
  metric_values_.clear();
  const auto add = [&](const std::string& name, double value) {
    metric_names_.push_back(name);
    metric_values_.push_back(value);
  };
  add("evaluations", static_cast<double>(trainer.n_evaluations()));
  add("non_finite", static_cast<double>(trainer.n_non_finite()));
  add("lambda", point.lambda);
  add("eta", point.eta);
  add("log_z", point.log_z);
  add("kl", point.kl);
  add("entropy", point.entropy);
  add("entropy_next", point.entropy_next);
  add("alpha", path_.alpha());
  add("beta", path_.beta);
  add("ess_next", point.ess_next);
  add("ess_target", target.ess);
  add("ess_target_raw", target.ess_raw);
  add("log_z_target", target.log_z);
  add("elbo", target.elbo);
  add("reuse_effective", reuse);
  const std::vector<std::string> basins = trainer.target().basin_names();
  for (std::size_t k = 0; k < basins.size(); ++k) {
    const auto inside = std::count_if(buffer_.basins.begin(), buffer_.basins.end(),
                                      [&](std::uint32_t bits) { return (bits >> k & 1) != 0; });
    add(basins[k], static_cast<double>(inside) / static_cast<double>(buffer_.size()));
    add(basins[k] + "_reweighted", reweighted[k].value);
  }
}

void ConstrainedMassTransport::end_round(Trainer& trainer) {
  ++step_;
  in_round_ = false;
  StepReport report;
  report.phase = refining() ? "refine" : "anneal";
  report.step = step_;
  report.expected_fraction = fraction_done(trainer);
  if (!refining()) {
    report.expected_steps = options_.annealing_steps;
  } else {
    const double fraction = std::max(refinement_fraction(trainer), 1e-9);
    report.expected_steps =
        std::clamp<std::int64_t>(std::llround(static_cast<double>(step_) / fraction), step_, n_refinement_rounds_);
  }
  for (std::size_t k = 0; k < metric_names_.size(); ++k)
    report.metrics.emplace_back(metric_names_[k], metric_values_[k]);
  report.metrics.emplace_back("nll", totals_.mean_nll());
  report.metrics.emplace_back("grad_norm", totals_.mean_gradient_norm());
  report.metrics.emplace_back("learning_rate", totals_.learning_rate);
  report.metrics.emplace_back("skipped_batches", static_cast<double>(trainer.n_skipped()));
  report.metrics.emplace_back("gradient_steps", static_cast<double>(trainer.n_gradient_steps()));
  report.metrics.emplace_back("seconds", trainer.elapsed_seconds());
  trainer.report(report);
}

double ConstrainedMassTransport::fraction_done(const Trainer& trainer) const {
  const double left = trainer.seconds_left(), elapsed = trainer.elapsed_seconds();
  const double time = std::isfinite(left) ? std::clamp(elapsed / (elapsed + left), 0.0, 1.0) : 0;
  const double rounds = static_cast<double>(refining() ? n_refinement_rounds_ : options_.refinement_rounds);
  const double annealing = refining() ? static_cast<double>(n_annealing_gradient_steps_)
                                      : static_cast<double>(options_.annealing_steps * options_.gradient_steps);
  const double all = annealing + rounds * static_cast<double>(options_.refinement_gradient_steps);
  const double steps = static_cast<double>(n_annealing_gradient_steps_ + n_refinement_gradient_steps_) / all;
  return std::clamp(std::max(time, steps), 0.0, 1.0);
}

std::unique_ptr<Method> make_cmt(const TrainingOptions& options) {
  return std::make_unique<ConstrainedMassTransport>(options);
}

}  // namespace boltzflow
