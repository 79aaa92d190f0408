// SPDX-License-Identifier: MIT
// Constrained mass transport on two-dimensional analytic targets, with everything but the molecule.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "boltzflow/base/units.hpp"
#include "training/training_fixture.hpp"

namespace boltzflow {
namespace {

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

}  // namespace
}  // namespace boltzflow
