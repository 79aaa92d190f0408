// SPDX-License-Identifier: MIT
// The second half of constrained mass transport: fitting the target on all kept buffers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/training/methods/cmt.hpp"

namespace boltzflow {
namespace {

constexpr int rounds_of_early_stop = 10;
constexpr double ess_smoothing = 0.7;

}  // namespace

std::vector<double> thresholds_of_permanent_buffers(std::int64_t n) {
  if (n == 4) return {0.01, 0.05, 0.2, 0.4};
  std::vector<double> thresholds;
  for (std::int64_t k = 0; k < n; ++k)
    thresholds.push_back(0.01 * std::pow(40.0, n == 1 ? 0.0 : static_cast<double>(k) / static_cast<double>(n - 1)));
  return thresholds;
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
  log_weight = clip_log_weights(log_weight, options_.weight_clip_fraction);
  const double reuse = effective_sample_size(log_weight).count / n_fresh;

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

void ConstrainedMassTransport::warn_of_lost_basins(Trainer& trainer, const std::vector<double>& mixture_log_weight) {
  const std::vector<std::string> names = trainer.target().basin_names();
  basin_warned_.resize(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    const std::string warning = basin_disagreement(mixture_, static_cast<int>(k), names[k], mixture_log_weight);
    if (!warning.empty() && basin_warned_[k] == 0) trainer.message(warning);
    basin_warned_[k] = warning.empty() ? 0 : 1;  // said once, until they agree again
  }
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

bool ConstrainedMassTransport::finished() const {
  if (!refining()) return options_.refinement_rounds == 0 && step_ >= options_.annealing_steps;
  if (step_ >= n_refinement_rounds_) return true;
  if (options_.early_stop_gain <= 0 || std::ssize(smoothed_ess_) <= rounds_of_early_stop) return false;
  return smoothed_ess_.back() - smoothed_ess_[smoothed_ess_.size() - 1 - rounds_of_early_stop] <
         options_.early_stop_gain;
}

}  // namespace boltzflow
