// SPDX-License-Identifier: MIT
// The trainer: methods, counts, checkpoints, resuming and budgets, on two-dimensional analytic targets.
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/checkpoint.hpp"
#include "training/training_fixture.hpp"

namespace boltzflow {
namespace {

TEST_F(Training, EveryMethodOfTheTableRunsTenSteps) {
  const TwoNormals target;
  for (const MethodEntry& entry : methods()) {
    if (entry.needs_data) continue;  // test_data_methods.cpp
    TrainingOptions options = small_options();
    options.trainer.method = entry.name;
    options.cmt.gradient_steps = options.cmt.refinement_gradient_steps = 2;
    options.cmt.refinement_rounds = 10;
    SplineFlow flow = make_flow(options, false);
    Recorder recorder;
    run(flow, target, options, recorder);
    EXPECT_GE(recorder.reports.size(), 10u) << entry.name;
    EXPECT_FALSE(entry.description.empty());
  }
  EXPECT_THROW(find_method("alchemy"), ConfigurationError);
}

TEST_F(Training, DropsAndCountsSamplesWithoutAnEnergy) {
  TwoNormals target;
  target.holes = true;
  TrainingOptions options = small_options();
  options.cmt.refinement_rounds = 4;
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  run(flow, target, options, recorder);
  EXPECT_GT(metric(recorder.reports.front(), "non_finite"), 100);
  EXPECT_GT(quality(flow, TwoNormals()).ess, 0.5);
}

TEST_F(Training, SkipsAndCountsBatchesThatAreNotFinite) {
  const TwoNormals target;
  const TrainingOptions options = resolve_training_options(small_options(), 2);
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  Trainer trainer(flow, target, options, recorder);
  const at::Tensor before = flow.flat_parameters().clone();
  EXPECT_FALSE(trainer.gradient_step(1e-2, [] { return std::nan(""); }).applied);
  EXPECT_FALSE(
      trainer
          .gradient_step(
              1e-2,
              [&] {  // a finite loss with a gradient that is not
                const at::Tensor log_prob = flow.log_prob(at::full({4, 2}, 0.4f), ConditionerPrecision::float32);
                log_prob.backward(at::full({4}, INFINITY));
                return 1.0;
              })
          .applied);
  EXPECT_EQ(trainer.n_skipped(), 2);
  EXPECT_EQ(trainer.n_gradient_steps(), 2);
  EXPECT_TRUE(before.equal(flow.flat_parameters()));
}

void expect_same_numbers(const std::vector<StepReport>& a, const std::vector<StepReport>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].phase, b[i].phase);
    for (std::size_t k = 0; k < a[i].metrics.size(); ++k)
      if (a[i].metrics[k].first != "seconds") {
        EXPECT_EQ(a[i].metrics[k].second, b[i].metrics[k].second) << a[i].metrics[k].first << " of step " << i;
      }
  }
}

// Interrupted again and again, after the energies of a step were drawn and before its gradient steps, and resumed, a
// run gives the same numbers to the bit.
TEST_F(Training, ResumesToTheBitFromTheMiddleOfAnyStep) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.annealing_steps = 6;
  options.cmt.refinement_rounds = 6;
  options.cmt.gradient_steps = options.cmt.refinement_gradient_steps = 7;
  options.cmt.refinement_path_gradient = true;  // whose buffers hold scores too
  SplineFlow whole = make_flow(options, false);
  Recorder uninterrupted;
  ASSERT_EQ(run(whole, target, options, uninterrupted), TrainingEnd::finished);

  // A target that asks to stop after so many evaluations stands for a signal: drawing happens inside a step.
  class StoppingTarget final : public TargetDensity {
   public:
    StoppingTarget(const TwoNormals& target, StopFlag& stop, int draws) : target_(target), stop_(stop), draws_(draws) {}
    int dimension() const override { return 2; }
    std::string description() const override { return target_.description(); }
    std::vector<std::string> basin_names() const override { return target_.basin_names(); }
    void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> energy,
                  std::span<std::uint32_t> basins, std::span<float> score) const override {
      if (--draws_ == 0) stop_.request_stop();
      target_.evaluate(z, log_det, energy, basins, score);
    }

   private:
    const TwoNormals& target_;
    StopFlag& stop_;
    mutable int draws_;
  };

  const auto n_rounds = static_cast<int>(uninterrupted.reports.size());
  std::vector<StepReport> reports;
  TrainingEnd end = TrainingEnd::stopped;
  int n_sessions = 0;
  for (; end == TrainingEnd::stopped; ++n_sessions) {
    ASSERT_LT(n_sessions, n_rounds + 1);
    SplineFlow flow(make_flow(options, false));
    if (n_sessions > 0) {  // a fresh process starts from another flow
      at::Tensor other = flow.flat_parameters().clone();
      flow.set_flat_parameters(other.mul_(0.5));
    }
    StopFlag stop;
    const StoppingTarget stopping(target, stop, n_sessions % 2 == 0 ? 1 : 2);
    Recorder recorder;
    end = run(flow, stopping, options, recorder, n_sessions > 0, stop);
    // Reports after the last checkpoint are repeated by the next session; here there are none.
    reports.insert(reports.end(), recorder.reports.begin(), recorder.reports.begin() + recorder.checkpoints.back());
    EXPECT_EQ(read_checkpoint_summary(folder_).n_reports, std::ssize(reports));
    if (end == TrainingEnd::finished) {
      EXPECT_TRUE(whole.flat_parameters().equal(flow.flat_parameters()));
    }
  }
  EXPECT_GE(n_sessions, 5);
  expect_same_numbers(uninterrupted.reports, reports);
  EXPECT_TRUE(read_checkpoint_summary(folder_).finished);
}

TEST_F(Training, ResumesToTheBitFromTheMiddleOfTheGradientSteps) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.trainer.checkpoint_minutes = 0;  // a checkpoint after every piece of work, as far as its cost allows
  options.cmt.refinement_rounds = 3;
  SplineFlow whole = make_flow(options, false);
  Recorder uninterrupted;
  std::vector<std::string> in_the_middle;
  uninterrupted.at_checkpoint = [&] {
    const auto state = CheckpointReader(folder_ / "training.checkpoint").value<nlohmann::json>("cmt");
    if (state.at("position").get<int>() > 0 && in_the_middle.size() < 4)
      in_the_middle.push_back(read_file(folder_ / "training.checkpoint"));
  };
  run(whole, target, options, uninterrupted);
  // When checkpoints come depends on the clock; a run that a busy disk left without enough of them is run again.
  for (int more = 0; more < 20 && in_the_middle.size() < 2; ++more) {
    SplineFlow same = make_flow(options, false);
    run(same, target, options, uninterrupted);
  }
  ASSERT_GT(in_the_middle.size(), 1u);
  for (const std::string& checkpoint : in_the_middle) {
    write_file_atomically(folder_ / "training.checkpoint", checkpoint);
    SplineFlow again = make_flow(options, false);
    Recorder recorder;
    run(again, target, options, recorder, true);
    EXPECT_TRUE(whole.flat_parameters().equal(again.flat_parameters()));
  }
}

TEST_F(Training, RefusesTheCheckpointOfAnotherRunAndADamagedOne) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.gradient_steps = options.cmt.refinement_gradient_steps = 2;
  options.cmt.refinement_rounds = 1;
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  EXPECT_THROW(run(flow, target, options, recorder, true), MissingInputError);
  run(flow, target, options, recorder);
  const auto refuses = [&](const TargetDensity& density, const TrainingOptions& with, const std::string& reason) {
    SplineFlow fresh = make_flow(with, false);
    try {
      run(fresh, density, with, recorder, true);
      ADD_FAILURE() << "resumed in spite of " << reason;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(reason), std::string::npos) << error.what();
    }
  };
  refuses(TorusDoubleWell(), options, "a double well on the torus");
  TrainingOptions other = options;
  other.trainer.learning_rate = 1e-4;
  refuses(target, other, "training.learning_rate");
  other = options;
  other.flow.spline.hidden_width = 16;
  refuses(target, other, "flow.hidden_width");
  std::string damaged = read_file(folder_ / "training.checkpoint");
  damaged[damaged.size() / 2] ^= 1;
  write_file_atomically(folder_ / "training.checkpoint", damaged);
  refuses(target, options, "damaged");
}

TEST_F(Training, EndsAtTheBudgetOfEvaluationsAndGoesOnWithALargerOne) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.gradient_steps = options.cmt.refinement_gradient_steps = 3;
  options.cmt.refinement_ess = 1.01;  // never
  options.trainer.maximum_evaluations = 5 * 4096 + 100;
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  EXPECT_EQ(run(flow, target, options, recorder), TrainingEnd::budget);
  EXPECT_EQ(recorder.reports.size(), 5u);
  EXPECT_TRUE(recorder.said("the budget ended after annealing step 5"));
  EXPECT_EQ(metric(recorder.reports.back(), "evaluations"), 5 * 4096);

  options.trainer.maximum_evaluations = 16 * 4096;
  Recorder more;
  EXPECT_EQ(run(flow, target, options, more, true), TrainingEnd::finished);  // its refinement fits what is left
  EXPECT_EQ(metric(more.reports.back(), "evaluations"), 16 * 4096);
  EXPECT_LT(metric(more.reports.back(), "learning_rate"), 0.35 * options.trainer.learning_rate);
}

}  // namespace
}  // namespace boltzflow
