// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/training/annealing_path.hpp"
#include "boltzflow/training/buffer_mixture.hpp"
#include "boltzflow/training/cmt_dual.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/trainer.hpp"
#include "boltzflow/training/weighted_fit.hpp"

namespace boltzflow {

/// The ESS to the target at which flows are kept for good: 1, 5, 20 and 40 %; other numbers of them, spread likewise.
std::vector<double> thresholds_of_permanent_buffers(std::int64_t n);

/// Constrained Mass Transport (arXiv 2510.18460): the flow follows a path of distributions from its prior to the
/// target. Each annealing step draws a buffer, finds the next distribution of the path on it (CmtDual) and fits the
/// flow to that by weighted maximum likelihood with a log-dispersion term (arXiv 2602.03729). The refinement then fits
/// the target itself, on the mixture of kept buffers (BufferMixture). See docs/training.md.
class ConstrainedMassTransport final : public Method {
 public:
  explicit ConstrainedMassTransport(const TrainingOptions& options)
      : trainer_options_(options.trainer),
        options_(options.cmt),
        fit_(options.trainer.batch_size, parse_conditioner_precision(options.trainer.precision)),
        thresholds_(thresholds_of_permanent_buffers(options.cmt.kept_annealing_buffers)),
        mixture_(std::max<std::int64_t>(1, options.cmt.kept_refinement_buffers)) {}

  MethodState advance(Trainer& trainer) override;
  void finish(Trainer& trainer) override;
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
  MethodState out_of_budget(Trainer& trainer) const;
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

}  // namespace boltzflow
