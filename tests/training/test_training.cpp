// SPDX-License-Identifier: MIT
// Whole trainings on two-dimensional analytic targets, with everything but the molecule.
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/training/checkpoint.hpp"
#include "boltzflow/training/method.hpp"
#include "boltzflow/training/trainer.hpp"
#include "training/analytic_targets.hpp"

namespace boltzflow {
namespace {

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

double metric(const StepReport& report, const std::string& name) {
  for (const auto& [key, value] : report.metrics)
    if (key == name) return value;
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

TrainingOptions small_options() {
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

TEST_F(Training, AnnealingStepsComeToRestBeforeTheNextBuffer) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.trainer.warm_up_steps = 0;
  options.cmt.refinement_rounds = 1;
  for (const double end : {0.1, 1.0}) {
    options.cmt.annealing_learning_rate_end = end;
    SplineFlow flow = make_flow(options, false);
    Recorder recorder;
    run(flow, target, options, recorder);
    // The metric is the rate of a step's last batch, 29/30 down the cosine.
    const double expected = end + (1 - end) * 0.5 * (1 + std::cos(pi * 29 / 30));
    ASSERT_EQ(recorder.reports.front().phase, "anneal");
    EXPECT_NEAR(metric(recorder.reports.front(), "learning_rate"), options.trainer.learning_rate * expected, 1e-12);
  }
}

TEST_F(Training, CmtLearnsBothModesOfTwoNormalsAndTheirWeights) {
  const TwoNormals target;
  const TrainingOptions options = small_options();
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  EXPECT_EQ(run(flow, target, options, recorder), TrainingEnd::finished);
  const Quality reached = quality(flow, target);
  EXPECT_GT(reached.ess, 0.8);
  EXPECT_NEAR(reached.log_z, TwoNormals::log_z, 0.02);          // 5 standard errors at this ESS and 50,000 samples
  EXPECT_NEAR(reached.basin, TwoNormals::second_weight, 0.03);  // the flow's own weight, unweighted

  ASSERT_FALSE(recorder.reports.empty());
  const StepReport& last = recorder.reports.back();
  EXPECT_EQ(last.phase, "refine");
  EXPECT_EQ(last.step, 8);
  EXPECT_NEAR(last.expected_fraction, 1, 1e-12);
  EXPECT_NEAR(metric(last, "second_reweighted"), TwoNormals::second_weight, 0.02);
  EXPECT_NEAR(metric(last, "log_z_target"), TwoNormals::log_z, 0.05);
  EXPECT_GT(metric(last, "reuse_effective"), 1.5);  // old buffers count
  EXPECT_LT(metric(last, "learning_rate"), 1e-5);   // the cosine has come down
  EXPECT_EQ(metric(last, "evaluations"), 4096.0 * static_cast<double>(recorder.reports.size()));
  EXPECT_EQ(metric(last, "skipped_batches"), 0);
}

TEST_F(Training, CmtLearnsADoubleWellAcrossTheSeamOfATorus) {
  const TorusDoubleWell target;
  const TrainingOptions options = small_options();
  SplineFlow flow = make_flow(options, true);
  Recorder recorder;
  run(flow, target, options, recorder);
  const Quality reached = quality(flow, target);
  EXPECT_GT(reached.ess, 0.8);
  EXPECT_NEAR(reached.log_z, TorusDoubleWell::log_z(), 0.02);
  EXPECT_NEAR(reached.basin, 0.5, 0.03);
}

TEST_F(Training, ForcesKeepAFlowFromLearningFewSamplesByHeart) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.refinement_samples = 256;  // each is seen a hundred times
  options.cmt.refinement_gradient_steps = 300;
  options.cmt.refinement_rounds = 3;
  options.cmt.refinement_log_dispersion = 1;
  options.cmt.kept_annealing_buffers = 0;
  options.cmt.kept_refinement_buffers = 1;
  double ess[2];
  for (const bool forces : {false, true}) {
    options.cmt.refinement_path_gradient = forces;
    SplineFlow flow = make_flow(options, false);
    Recorder recorder;
    run(flow, target, options, recorder);
    ess[forces ? 1 : 0] = quality(flow, target).ess;
  }
  EXPECT_GT(ess[1], 0.8);
  EXPECT_GT(ess[1], ess[0] + 0.1);
}

TEST_F(Training, EveryAnnealingStepKeepsItsConstraintsAndMetricsAreFiniteAndComplete) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.refinement_rounds = 2;
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  run(flow, target, options, recorder);
  const TrainingOptions resolved = resolve_training_options(options, 2);
  double beta = 0;
  for (const StepReport& report : recorder.reports) {
    ASSERT_EQ(report.metrics.size(), recorder.reports.front().metrics.size());
    for (std::size_t k = 0; k < report.metrics.size(); ++k) {
      EXPECT_EQ(report.metrics[k].first, recorder.reports.front().metrics[k].first);
      EXPECT_TRUE(std::isfinite(report.metrics[k].second)) << report.metrics[k].first;
    }
    if (report.phase != "anneal") continue;
    EXPECT_LE(metric(report, "kl"), resolved.cmt.early_trust_region * (1 + 1e-9));
    EXPECT_LE(metric(report, "entropy") - metric(report, "entropy_next"), resolved.cmt.entropy_decrease + 1e-9);
    EXPECT_GT(metric(report, "beta"), beta);
    beta = metric(report, "beta");
  }
  for (const char* name :
       {"evaluations",     "non_finite",      "lambda",  "eta",           "log_z",     "kl",
        "entropy",         "entropy_next",    "alpha",   "beta",          "ess_next",  "ess_target",
        "ess_target_raw",  "log_z_target",    "elbo",    "nll",           "grad_norm", "learning_rate",
        "skipped_batches", "reuse_effective", "seconds", "gradient_steps"})
    metric(recorder.reports.back(), name);
  EXPECT_TRUE(recorder.said("the refinement begins"));
}

TEST_F(Training, EveryConstraintAndWeightingTrains) {
  const TwoNormals target;
  for (const char* constraints : {"both", "trust-region", "entropy", "none"})
    for (const char* weighting : {"resample", "weight"}) {
      TrainingOptions options = small_options();
      options.cmt.constraints = constraints;
      options.cmt.schedule = std::string(weighting) == "weight" ? "linear" : "geometric";
      options.cmt.buffer_weighting = weighting;
      options.cmt.annealing_steps = 8;
      options.cmt.refinement_rounds = 3;
      SplineFlow flow = make_flow(options, false);
      Recorder recorder;
      EXPECT_EQ(run(flow, target, options, recorder), TrainingEnd::finished);
      EXPECT_GT(quality(flow, target).ess, 0.3) << constraints << " " << weighting;
      if (std::string(constraints) == "none") {
        EXPECT_EQ(recorder.reports.size(), 8u + 3u);
      }
    }
}

TEST_F(Training, AFixedNumberOfStepsEndsWithoutARefinement) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.fixed_annealing_steps = true;
  options.cmt.refinement_rounds = 0;
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  EXPECT_EQ(run(flow, target, options, recorder), TrainingEnd::finished);
  EXPECT_EQ(recorder.reports.size(), 12u);
  EXPECT_EQ(recorder.reports.back().phase, "anneal");
  EXPECT_EQ(metric(recorder.reports.back(), "evaluations"), 12 * 4096);
}

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

TEST_F(Training, ATimeBudgetBringsTheLearningRateDownToZero) {
  const TwoNormals target;
  TrainingOptions options = small_options();
  options.cmt.refinement_rounds = 0;
  options.trainer.maximum_minutes = 4.0 / 60;
  SplineFlow flow = make_flow(options, false);
  Recorder recorder;
  EXPECT_EQ(run(flow, target, options, recorder), TrainingEnd::budget);
  const StepReport& last = recorder.reports.back();
  EXPECT_EQ(last.phase, "refine");
  EXPECT_LT(metric(last, "seconds"), 4.0 + 2.0);  // a step on a busy machine
  EXPECT_LT(metric(last, "learning_rate"), 0.1 * options.trainer.learning_rate);
}

TEST(TrainingOptions, AlanineDipeptideGetsTheMeasuredDefaults) {
  const TrainingOptions options = resolve_training_options({}, 60);
  EXPECT_GE(options.cmt.annealing_steps, 40);
  EXPECT_LE(options.cmt.annealing_steps, 48);
  EXPECT_NEAR(options.cmt.entropy_decrease, 3.1, 0.2);
  EXPECT_EQ(options.cmt.refinement_learning_rate, options.trainer.learning_rate);
  EXPECT_GT(options.cmt.refinement_rounds, 0);
  TrainingOptions paper;
  paper.cmt.annealing_steps = 200;
  EXPECT_NEAR(resolve_training_options(paper, 60).cmt.entropy_decrease, 0.76, 0.02);  // (H(q0) - H(p)) / (steps / 2)
}

TEST(TrainingOptions, ImpossibleCombinationsAreNamedAllAtOnce) {
  TrainingOptions options;
  options.flow.spline.n_couplings = 3;
  options.trainer.batch_size = 1000;
  options.cmt.refinement_samples = 500;
  try {
    resolve_training_options(options, 60);
    FAIL();
  } catch (const ConfigurationError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("flow.n_couplings: 3"), std::string::npos);
    EXPECT_NE(message.find("method.cmt.refinement_samples, 500"), std::string::npos);
  }
}

TEST(TrainingOptions, EverySettingIsDescribedOnceAndWithinItsRange) {
  TrainingOptions options;
  OptionTable table;
  options.describe(table);
  std::map<std::string, int> seen;
  for (const Option& option : table.options()) {
    EXPECT_EQ(++seen[option.key], 1) << option.key;
    EXPECT_FALSE(option.documentation.empty()) << option.key;
    if (const auto* number = std::get_if<double*>(&option.value)) {
      EXPECT_GE(**number, option.minimum) << option.key;
      EXPECT_LE(**number, option.maximum) << option.key;
    }
    if (const auto* number = std::get_if<std::int64_t*>(&option.value)) {
      EXPECT_GE(static_cast<double>(**number), option.minimum) << option.key;
      EXPECT_LE(static_cast<double>(**number), option.maximum) << option.key;
    }
    if (const auto* word = std::get_if<std::string*>(&option.value); word != nullptr && !option.choices.empty()) {
      EXPECT_NE(std::find(option.choices.begin(), option.choices.end(), **word), option.choices.end()) << option.key;
    }
  }
  EXPECT_GE(seen.size(), 40u);
}

}  // namespace
}  // namespace boltzflow
