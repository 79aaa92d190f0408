// SPDX-License-Identifier: MIT
// Constrained Mass Transport (arXiv 2510.18460): the flow follows a path of distributions from its prior to the target.
// Each annealing step draws a buffer, finds the next distribution of the path on it (CmtDual) and fits the flow to that
// by weighted maximum likelihood with a log-dispersion term (arXiv 2602.03729). The refinement then fits the target
// itself, on the mixture of kept buffers (BufferMixture).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "boltzflow/base/units.hpp"
#include "boltzflow/training/annealing_path.hpp"
#include "boltzflow/training/buffer_mixture.hpp"
#include "boltzflow/training/checkpoint.hpp"
#include "boltzflow/training/cmt_dual.hpp"
#include "boltzflow/training/fixed_schedule.hpp"
#include "boltzflow/training/importance_weights.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/stored_samples.hpp"
#include "boltzflow/training/trainer.hpp"
#include "boltzflow/training/weighted_fit.hpp"

namespace boltzflow {
namespace {

// lambda has stopped falling when it has not come below 0.9 of its minimum for this many steps.
constexpr double stalled_ratio = 0.9;
constexpr std::int64_t stalled_steps = 6;
constexpr double vanished_multiplier = 1e-3;     // lambda + eta below this is the target itself
constexpr double annealing_share_of_time = 0.6;  // of maximum_minutes; the rest belongs to the refinement
constexpr int rounds_of_early_stop = 10;
constexpr double ess_smoothing = 0.7;

/// The ESS to the target at which flows are kept for good: 1, 5, 20 and 40 %; other numbers of them, spread likewise.
std::vector<double> thresholds_of_permanent_buffers(std::int64_t n) {
  if (n == 4) return {0.01, 0.05, 0.2, 0.4};
  std::vector<double> thresholds;
  for (std::int64_t k = 0; k < n; ++k)
    thresholds.push_back(0.01 * std::pow(40.0, n == 1 ? 0.0 : static_cast<double>(k) / static_cast<double>(n - 1)));
  return thresholds;
}

class ConstrainedMassTransport final : public Method {
 public:
  explicit ConstrainedMassTransport(const TrainingOptions& options)
      : trainer_options_(options.trainer),
        options_(options.cmt),
        fit_(options.trainer.batch_size, parse_conditioner_precision(options.trainer.precision)),
        thresholds_(thresholds_of_permanent_buffers(options.cmt.kept_annealing_buffers)),
        mixture_(std::max<std::int64_t>(1, options.cmt.kept_refinement_buffers)) {}

  MethodState advance(Trainer& trainer) override {
    if (!in_round_) return begin_round(trainer);
    take_gradient_step(trainer);
    const bool out_of_time = trainer.seconds_left() <= 0;
    if (position_ < gradient_steps_per_round() && !out_of_time) return MethodState::running;
    end_round(trainer);
    if (out_of_time) return MethodState::out_of_budget;
    return finished() ? MethodState::finished : MethodState::running;
  }

  void finish(Trainer& trainer) override {
    if (!trainer.optimizer().averages()) return;  // the budget ended before the refinement
    trainer.optimizer().copy_average_to_parameters();
    trainer.flow().parameters_changed();
  }

  void save(CheckpointWriter& checkpoint) const override;
  void load(const CheckpointReader& checkpoint, Trainer& trainer) override;

 private:
  struct TargetStatistics {
    double log_z, elbo, ess, ess_raw;
    std::vector<double> log_weight;  ///< clipped
  };

  bool refining() const { return refining_; }
  bool scheduled() const { return options_.constraints == "none"; }
  std::int64_t gradient_steps_per_round() const {
    return refining() ? options_.refinement_gradient_steps : options_.gradient_steps;
  }

  MethodState begin_round(Trainer& trainer);
  void begin_annealing_round(Trainer& trainer, const TargetStatistics& target);
  void begin_refinement_round(Trainer& trainer, const TargetStatistics& target, bool already_kept);
  void take_gradient_step(Trainer& trainer);
  void end_round(Trainer& trainer);

  CmtDualPoint next_point();
  TargetStatistics target_statistics() const;
  std::string reason_to_refine(Trainer& trainer, const CmtDualPoint& next, double ess);
  void start_refinement(Trainer& trainer, const std::string& reason);
  bool keep_if_threshold_passed(Trainer& trainer, double ess, bool keep_now);
  void keep(Trainer& trainer, SampleBuffer samples, bool permanent);
  void choose_samples(Trainer& trainer, std::vector<double> log_weight);
  void start_metrics(Trainer& trainer, const CmtDualPoint& point, const TargetStatistics& target, double reuse,
                     const std::vector<BasinWeight>& reweighted);
  void warn_of_lost_basins(Trainer& trainer, const std::vector<double>& mixture_log_weight);
  double refinement_fraction(const Trainer& trainer) const;
  double fraction_done(const Trainer& trainer) const;
  bool finished() const;

  const TrainerOptions trainer_options_;
  const CmtOptions options_;
  WeightedFit fit_;
  const std::vector<double> thresholds_;

  // What a checkpoint holds.
  bool refining_ = false, in_round_ = false, early_ = true;
  std::int64_t step_ = 0;      // rounds of this phase that are done
  std::int64_t position_ = 0;  // gradient steps of this round that are done
  std::int64_t n_thresholds_passed_ = 0, n_stalled_ = 0;
  std::int64_t n_annealing_gradient_steps_ = 0, n_refinement_gradient_steps_ = 0, n_refinement_rounds_ = 0;
  double lambda_ = 0, eta_ = 0;
  double least_multiplier_ = std::numeric_limits<double>::infinity();
  double refinement_start_seconds_ = 0, preparation_seconds_ = 0;
  AnnealingPath path_;
  SampleBuffer buffer_;  // of the annealing; the refinement's are in the mixture
  BufferMixture mixture_;
  std::vector<std::uint32_t> order_;  // samples of this round's batches, one after the other
  std::vector<double> weights_;       // of the samples, with buffer_weighting = "weight"
  std::vector<double> smoothed_ess_;
  std::vector<std::uint8_t> basin_warned_;
  std::vector<std::string> metric_names_;
  std::vector<double> metric_values_;
  WeightedFit::Totals totals_;
};

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
  target.ess_raw = effective_sample_fraction(target.log_weight);
  clip_log_weights(target.log_weight, options_.weight_clip_fraction);
  target.ess = effective_sample_fraction(target.log_weight);
  return target;
}

MethodState ConstrainedMassTransport::begin_round(Trainer& trainer) {
  const std::int64_t n = refining() ? options_.refinement_samples : options_.samples_per_step;
  if (trainer.evaluations_left() < n || trainer.seconds_left() <= preparation_seconds_)
    return MethodState::out_of_budget;
  const double begin = trainer.elapsed_seconds();
  position_ = 0;
  totals_ = {};
  buffer_ = trainer.draw(n);
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
      trainer_options_.maximum_minutes > 0)
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
  clip_log_weights(log_weight, options_.weight_clip_fraction);
  std::vector<BasinWeight> reweighted;
  for (std::size_t k = 0; k < trainer.target().basin_names().size(); ++k)
    reweighted.push_back(basin_weight(buffer_.basins, static_cast<int>(k), target.log_weight));
  start_metrics(trainer, next, target, 1.0, reweighted);
  choose_samples(trainer, std::move(log_weight));
}

void ConstrainedMassTransport::start_refinement(Trainer& trainer, const std::string& reason) {
  refining_ = true;
  step_ = 0;
  lambda_ = eta_ = 0;
  path_.advance(0, 0);
  refinement_start_seconds_ = trainer.elapsed_seconds();
  // The buffer at hand serves the first round.
  n_refinement_rounds_ =
      std::min(options_.refinement_rounds, 1 + trainer.evaluations_left() / options_.refinement_samples);
  trainer.optimizer().start_average(trainer_options_.ema_decay);
  trainer.message("the refinement begins: " + reason);
}

bool ConstrainedMassTransport::keep_if_threshold_passed(Trainer& trainer, double ess, bool keep_now) {
  const std::int64_t before = n_thresholds_passed_;
  while (n_thresholds_passed_ < std::ssize(thresholds_) && ess > thresholds_[n_thresholds_passed_])
    ++n_thresholds_passed_;
  if (n_thresholds_passed_ == before) return false;
  if (keep_now) keep(trainer, buffer_, true);
  return true;
}

void ConstrainedMassTransport::keep(Trainer& trainer, SampleBuffer samples, bool permanent) {
  mixture_.add(
      std::move(samples), trainer.flow().flat_parameters().detach().clone(), permanent,
      [&](const at::Tensor& parameters, const SampleBuffer& buffer) { return trainer.log_prob(parameters, buffer); });
}

void ConstrainedMassTransport::begin_refinement_round(Trainer& trainer, const TargetStatistics& target,
                                                      bool already_kept) {
  const CmtDualPoint point = next_point();
  const double n_fresh = static_cast<double>(buffer_.size());
  if (!already_kept) {
    const bool permanent = keep_if_threshold_passed(trainer, target.ess, false);
    keep(trainer, buffer_, permanent);
  }
  std::vector<double> log_weight = mixture_.log_weights();
  clip_log_weights(log_weight, options_.weight_clip_fraction);
  const double reuse = effective_sample_fraction(log_weight) * static_cast<double>(log_weight.size()) / n_fresh;

  std::vector<std::uint32_t> basins;
  for (const auto& component : mixture_.components())
    basins.insert(basins.end(), component.samples.basins.begin(), component.samples.basins.end());
  std::vector<BasinWeight> reweighted;
  for (std::size_t k = 0; k < trainer.target().basin_names().size(); ++k)
    reweighted.push_back(basin_weight(basins, static_cast<int>(k), log_weight));
  start_metrics(trainer, point, target, reuse, reweighted);
  warn_of_lost_basins(trainer, log_weight);
  buffer_ = {};
  choose_samples(trainer, std::move(log_weight));
  smoothed_ess_.push_back(
      smoothed_ess_.empty() ? target.ess : ess_smoothing * smoothed_ess_.back() + (1 - ess_smoothing) * target.ess);
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
  weights_ = weights;
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
  double rate = trainer_options_.learning_rate;
  if (refining()) rate = 0.5 * options_.refinement_learning_rate * (1 + std::cos(pi * refinement_fraction(trainer)));
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
             .clip = options_.log_dispersion_clip},
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

void ConstrainedMassTransport::warn_of_lost_basins(Trainer& trainer, const std::vector<double>& mixture_log_weight) {
  const std::vector<std::string> names = trainer.target().basin_names();
  basin_warned_.resize(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    const std::string warning = basin_disagreement(mixture_, static_cast<int>(k), names[k], mixture_log_weight);
    if (!warning.empty() && basin_warned_[k] == 0) trainer.message(warning);
    basin_warned_[k] = warning.empty() ? 0 : 1;  // said once, until they agree again
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

double ConstrainedMassTransport::refinement_fraction(const Trainer& trainer) const {
  const double steps =
      static_cast<double>(n_refinement_gradient_steps_) /
      (static_cast<double>(n_refinement_rounds_) * static_cast<double>(options_.refinement_gradient_steps));
  const double spent = trainer.elapsed_seconds() - refinement_start_seconds_,
               left = std::max(0.0, trainer.seconds_left());
  const double time = std::isfinite(left) && spent + left > 0 ? spent / (spent + left) : 0;
  return std::clamp(std::max(steps, time), 0.0, 1.0);
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

bool ConstrainedMassTransport::finished() const {
  if (!refining()) return false;
  if (step_ >= n_refinement_rounds_) return true;
  if (options_.early_stop_gain <= 0 || std::ssize(smoothed_ess_) <= rounds_of_early_stop) return false;
  return smoothed_ess_.back() - smoothed_ess_[smoothed_ess_.size() - 1 - rounds_of_early_stop] <
         options_.early_stop_gain;
}

void ConstrainedMassTransport::save(CheckpointWriter& checkpoint) const {
  checkpoint.values["cmt"] = {{"refining", refining_},
                              {"in_round", in_round_},
                              {"early", early_},
                              {"step", step_},
                              {"position", position_},
                              {"thresholds_passed", n_thresholds_passed_},
                              {"stalled", n_stalled_},
                              {"annealing_gradient_steps", n_annealing_gradient_steps_},
                              {"refinement_gradient_steps", n_refinement_gradient_steps_},
                              {"refinement_rounds", n_refinement_rounds_},
                              {"metric_names", metric_names_},
                              {"totals_applied", totals_.n_applied}};
  // Numbers that must come back to the bit, infinities included, which JSON does not have.
  checkpoint.add_copy("cmt.numbers", std::vector<double>{lambda_, eta_, least_multiplier_, refinement_start_seconds_,
                                                         preparation_seconds_, path_.beta, path_.target_exponent,
                                                         totals_.nll, totals_.gradient_norm, totals_.learning_rate});
  checkpoint.add("cmt.metric_values", metric_values_);
  checkpoint.add("cmt.order", order_);
  checkpoint.add("cmt.weights", weights_);
  checkpoint.add("cmt.smoothed_ess", smoothed_ess_);
  checkpoint.add("cmt.basin_warned", basin_warned_);
  save_samples(checkpoint, "cmt.buffer", buffer_);
  save_mixture(checkpoint, "cmt.mixture", mixture_);
}

void ConstrainedMassTransport::load(const CheckpointReader& checkpoint, Trainer& trainer) {
  const auto values = checkpoint.value<nlohmann::json>("cmt");
  try {
    refining_ = values.at("refining");
    in_round_ = values.at("in_round");
    early_ = values.at("early");
    step_ = values.at("step");
    position_ = values.at("position");
    n_thresholds_passed_ = values.at("thresholds_passed");
    n_stalled_ = values.at("stalled");
    n_annealing_gradient_steps_ = values.at("annealing_gradient_steps");
    n_refinement_gradient_steps_ = values.at("refinement_gradient_steps");
    n_refinement_rounds_ = values.at("refinement_rounds");
    metric_names_ = values.at("metric_names").get<std::vector<std::string>>();
    totals_.n_applied = values.at("totals_applied");
  } catch (const nlohmann::json::exception& error) {
    checkpoint.fail(std::string("the state of the method is malformed: ") + error.what());
  }
  const auto numbers = checkpoint.array<double>("cmt.numbers");
  if (numbers.size() != 10) checkpoint.fail("the state of the method is malformed: it has the wrong number of numbers");
  lambda_ = numbers[0];
  eta_ = numbers[1];
  least_multiplier_ = numbers[2];
  refinement_start_seconds_ = numbers[3];
  preparation_seconds_ = numbers[4];
  path_ = {.beta = numbers[5], .target_exponent = numbers[6]};
  totals_.nll = numbers[7];
  totals_.gradient_norm = numbers[8];
  totals_.learning_rate = numbers[9];
  metric_values_ = checkpoint.array<double>("cmt.metric_values");
  order_ = checkpoint.array<std::uint32_t>("cmt.order");
  weights_ = checkpoint.array<double>("cmt.weights");
  smoothed_ess_ = checkpoint.array<double>("cmt.smoothed_ess");
  basin_warned_ = checkpoint.array<std::uint8_t>("cmt.basin_warned");
  buffer_ = load_samples(checkpoint, "cmt.buffer");
  load_mixture(checkpoint, "cmt.mixture", mixture_);
  // Rounds may have been added to the budget; they cannot end before what is done.
  if (refining_) {
    const std::int64_t affordable = step_ + 1 + trainer.evaluations_left() / options_.refinement_samples;
    n_refinement_rounds_ = std::max(step_, std::min(options_.refinement_rounds, affordable));
  }
}

}  // namespace

std::unique_ptr<Method> make_cmt(const TrainingOptions& options) {
  return std::make_unique<ConstrainedMassTransport>(options);
}

}  // namespace boltzflow
