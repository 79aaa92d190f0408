// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/evidence_bounds.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "evaluation/gaussian_problem.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

TEST(EvidenceBounds, BracketLogZByTheDivergencesOfGaussians) {
  const GaussianProblem problem;
  const auto x = problem.target_samples(100'000, RandomStream(21)), y = problem.flow_samples(100'000, RandomStream(22));
  const double eubo = evidence_upper_bound(problem.log_weights(x)), elbo = evidence_lower_bound(problem.log_weights(y));
  // log w = const - c x^2 with c <= 0.22: standard error sqrt(2) c s^2 / sqrt(N) < 1e-3; six of them, false alarm 2e-9
  // each.
  EXPECT_NEAR(eubo, problem.log_z + problem.forward_divergence(), 6e-3);
  EXPECT_NEAR(elbo, problem.log_z - problem.reverse_divergence(), 6e-3);
  EXPECT_LT(elbo, problem.log_z);
  EXPECT_GT(eubo, problem.log_z);
}

TEST(EvidenceBounds, UpperBoundIsLikelihoodMinusMeanEnergy) {
  const GaussianProblem problem;
  const auto x = problem.target_samples(1000, RandomStream(23));
  std::vector<double> log_prob;
  double mean_energy = 0;
  for (const double value : x) {
    log_prob.push_back(problem.log_prob(value));
    mean_energy += problem.reduced_energy(value) / 1000;
  }
  EXPECT_NEAR(evidence_upper_bound(problem.log_weights(x)), negative_log_likelihood(log_prob) - mean_energy, 1e-12);
}

TEST(EvidenceBounds, InfiniteSamplesMakeInfiniteBounds) {
  EXPECT_EQ(evidence_lower_bound(std::vector{0.0, -infinity}), -infinity);
  EXPECT_EQ(evidence_upper_bound(std::vector{0.0, infinity}), infinity);
  EXPECT_EQ(negative_log_likelihood(std::vector{0.0, -infinity}), infinity);
  EXPECT_EQ(evidence_lower_bound(std::vector{-2.0}), -2.0);
}

TEST(EvidenceBounds, RefuseDegenerateInput) {
  EXPECT_THROW(evidence_lower_bound({}), InputError);
  EXPECT_THROW(evidence_lower_bound(std::vector{infinity}), InputError);
  EXPECT_THROW(evidence_lower_bound(std::vector{not_a_number}), InputError);
  EXPECT_THROW(evidence_upper_bound({}), InputError);
  EXPECT_THROW(evidence_upper_bound(std::vector{-infinity}), InputError);
  EXPECT_THROW(evidence_upper_bound(std::vector{not_a_number}), InputError);
  EXPECT_THROW(negative_log_likelihood({}), InputError);
  EXPECT_THROW(negative_log_likelihood(std::vector{infinity}), InputError);
}

}  // namespace
}  // namespace boltzflow
