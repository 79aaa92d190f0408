// SPDX-License-Identifier: MIT
#include "boltzflow/training/checkpoint.hpp"
#include "boltzflow/training/methods/cmt.hpp"
#include "boltzflow/training/stored_samples.hpp"

namespace boltzflow {

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
    const std::int64_t affordable =
        step_ + (in_round_ ? 1 : 0) + trainer.evaluations_left() / options_.refinement_samples;
    n_refinement_rounds_ = std::max(step_, std::min(options_.refinement_rounds, affordable));
  }
}

}  // namespace boltzflow
