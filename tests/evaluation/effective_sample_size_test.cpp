// SPDX-License-Identifier: MIT
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/evaluation/forward_effective_sample_size.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "evaluation/gaussian_problem.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

TEST(EffectiveSampleSize, EqualWeightsAreWorthAllSamplesAtAnyScale) {
  for (const double log_w : {-1e5, 0.0, 1e5}) {
    const auto ess = effective_sample_size(std::vector(50, log_w));
    EXPECT_DOUBLE_EQ(ess.count, 50);
    EXPECT_DOUBLE_EQ(ess.fraction, 1);
  }
}

TEST(EffectiveSampleSize, OneDominantWeightIsWorthOneSample) {
  EXPECT_NEAR(effective_sample_size(std::vector{0.0, 800.0, -infinity}).count, 1, 1e-15);
  EXPECT_DOUBLE_EQ(effective_sample_size(std::vector{5.0}).count, 1);
}

TEST(EffectiveSampleSize, HandComputedWeights) {
  // Weights 1, 2, 3: 36 / 14.
  EXPECT_NEAR(effective_sample_size(std::vector{0.0, std::log(2.0), std::log(3.0)}).count, 36.0 / 14.0, 1e-14);
}

TEST(EffectiveSampleSize, ClippingSetsTheLargestToTheSmallestAmongThem) {
  // Of weights 1, 2, 3, 4, 5, 6, 7, 8, 9, 100 the largest three become 8.
  std::vector<double> log_weight;
  for (const double w : {1., 100., 2., 3., 4., 5., 6., 7., 8., 9.}) log_weight.push_back(std::log(w));
  const double sum = 28 + 3 * 8, sum_of_squares = 140 + 3 * 64;
  EXPECT_NEAR(effective_sample_size(log_weight, 0.3).count, sum * sum / sum_of_squares, 1e-12);
  EXPECT_DOUBLE_EQ(effective_sample_size(log_weight, 0.1).count,
                   effective_sample_size(log_weight).count);  // one: no change
}

TEST(EffectiveSampleSize, ConvergesToTheClosedFormOfGaussians) {
  const GaussianProblem problem;
  const auto x = problem.flow_samples(200'000, RandomStream(11));
  // The fraction's standard error over seeds is 4e-4 here; 6 of them, false alarm 2e-9.
  EXPECT_NEAR(effective_sample_size(problem.log_weights(x)).fraction, problem.ess_fraction(), 2.4e-3);
}

TEST(EffectiveSampleSize, ForwardAgreesWithReverseOfTheSameDensities) {
  const GaussianProblem problem;
  const auto x = problem.target_samples(200'000, RandomStream(12));
  EXPECT_NEAR(forward_effective_sample_size(problem.log_weights(x)), problem.ess_fraction(), 2.4e-3);  // as above
}

TEST(EffectiveSampleSize, ForwardNoticesWhatTheFlowCannotMake) {
  EXPECT_DOUBLE_EQ(forward_effective_sample_size(std::vector{0.0, 0.0}), 1);
  EXPECT_DOUBLE_EQ(forward_effective_sample_size(std::vector{0.0, infinity}), 0);
  EXPECT_LT(forward_effective_sample_size(std::vector{0.0, 0.0, 20.0}), 1e-7);
}

TEST(EffectiveSampleSize, RefusesWhatIsNoSetOfWeights) {
  EXPECT_THROW(effective_sample_size({}), InputError);
  EXPECT_THROW(effective_sample_size(std::vector{0.0, not_a_number}), InputError);
  EXPECT_THROW(effective_sample_size(std::vector{0.0, infinity}), InputError);
  EXPECT_THROW(effective_sample_size(std::vector{-infinity, -infinity}), InputError);
  EXPECT_THROW(effective_sample_size(std::vector{0.0}, 1.0), InputError);
  EXPECT_THROW(effective_sample_size(std::vector{0.0}, -0.1), InputError);
  EXPECT_THROW(effective_sample_size(std::vector{0.0}, not_a_number), InputError);
  EXPECT_THROW(forward_effective_sample_size({}), InputError);
  EXPECT_THROW(forward_effective_sample_size(std::vector{not_a_number}), InputError);
  EXPECT_THROW(forward_effective_sample_size(std::vector{-infinity}), InputError);
}

}  // namespace
}  // namespace boltzflow
