// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/free_energy_estimators.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct Works {
  std::vector<double> forward, reverse;
};

/// Gaussian works that obey Crooks' theorem for the difference F: forward ~ N(F + s^2/2, s^2), reverse ~ N(-F + s^2/2,
/// s^2).
Works gaussian_works(double difference, double s, std::size_t n_forward, std::size_t n_reverse, std::uint64_t seed) {
  RandomStream random(seed);
  Works works{std::vector<double>(n_forward), std::vector<double>(n_reverse)};
  for (double& w : works.forward) w = difference + 0.5 * s * s + s * random.normal();
  for (double& w : works.reverse) w = -difference + 0.5 * s * s + s * random.normal();
  return works;
}

TEST(FreeEnergyEstimators, OfConstantWorksAreTheWork) {
  const std::vector forward{2.5, 2.5, 2.5}, reverse{-2.5, -2.5};
  EXPECT_DOUBLE_EQ(exponential_average_forward(forward), 2.5);
  EXPECT_DOUBLE_EQ(exponential_average_reverse(reverse), 2.5);
  const Estimate bennett = bennett_acceptance_ratio(forward, reverse);
  EXPECT_NEAR(bennett.value, 2.5, 1e-14);
  EXPECT_NEAR(bennett.error, 0, 1e-7);
  EXPECT_NEAR(work_overlap(forward, reverse, 2.5).bar, 1, 1e-14);
}

// Over 200 seeds the differences over the errors of theory are standard normal: their mean within 4/sqrt(200) of 0,
// their variance within 0.4 (four standard errors, 4 sqrt(2/200)) of 1. False alarm 1e-4.
TEST(FreeEnergyEstimators, BennettIsUnbiasedAndItsErrorIsTheSpread) {
  double sum = 0, squares = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Works works = gaussian_works(3, 2, 400, 150, seed);
    const Estimate bennett = bennett_acceptance_ratio(works.forward, works.reverse);
    const double score = (bennett.value - 3) / bennett.error;
    sum += score;
    squares += score * score;
  }
  EXPECT_NEAR(sum / 200, 0, 4 / std::sqrt(200.0));
  EXPECT_NEAR(squares / 200, 1, 0.4);
}

TEST(FreeEnergyEstimators, BennettSolvesItsEquationToRounding) {
  const Works works = gaussian_works(-40, 3, 5000, 300, 4);
  const double f = bennett_acceptance_ratio(works.forward, works.reverse).value;
  const double m = std::log(5000.0 / 300);
  double left = 0, right = 0;
  for (const double w : works.forward) left += 1 / (1 + std::exp(w - f + m));
  for (const double w : works.reverse) right += 1 / (1 + std::exp(w + f - m));
  EXPECT_NEAR(left / right, 1, 1e-12);
}

// Points that the map takes outside the other state. States A = [0, 1] and B = [0, 1/2] of constant energy, identity
// map: half of the forward works are infinite, none of the reverse; F = log 2.
TEST(FreeEnergyEstimators, InfiniteWorksCountAsPointsWithoutWeight) {
  std::vector<double> forward(1000, 0.0);
  for (std::size_t n = 0; n < 500; ++n) forward[2 * n] = infinity;
  const std::vector<double> reverse(700, 0.0);
  EXPECT_NEAR(exponential_average_forward(forward), std::log(2.0), 1e-14);
  EXPECT_NEAR(bennett_acceptance_ratio(forward, reverse).value, std::log(2.0), 1e-12);
  const WorkOverlap overlap = work_overlap(forward, reverse, std::log(2.0));
  EXPECT_EQ(overlap.forward_finite, 0.5);
  EXPECT_EQ(overlap.reverse_finite, 1);
  EXPECT_NEAR(overlap.forward_effective_samples, 500, 1e-9);
}

TEST(FreeEnergyEstimators, SidesWithoutAFiniteWorkGiveInfinity) {
  const std::vector none{infinity, infinity}, some{1.0, infinity};
  EXPECT_EQ(exponential_average_forward(none), infinity);
  EXPECT_EQ(exponential_average_reverse(none), -infinity);
  EXPECT_EQ(bennett_acceptance_ratio(none, some).value, infinity);
  EXPECT_EQ(bennett_acceptance_ratio(some, none).value, -infinity);
  EXPECT_TRUE(std::isnan(bennett_acceptance_ratio(none, none).value));
  // Only a sliver of finite works on either side: the balance lies beyond every work.
  std::vector<double> sparse(10'000, infinity);
  sparse[3] = 0;
  EXPECT_NEAR(bennett_acceptance_ratio(sparse, sparse).value, 0, 1e-12);
  EXPECT_NEAR(bennett_acceptance_ratio(sparse, std::vector(10, 0.0)).value, std::log(1e4), 1e-6);
}

TEST(FreeEnergyEstimators, AllOfThemAgreeWithinTheirErrors) {
  const Works works = gaussian_works(1.5, 1, 4000, 4000, 9);
  const FreeEnergyDifference all = free_energy_difference(works.forward, works.reverse, 0, 0, 100, RandomStream(1));
  for (const Estimate& estimate : {all.forward, all.reverse, all.bennett}) {
    EXPECT_NEAR(estimate.value, 1.5, 4 * estimate.error);
    EXPECT_GT(estimate.error, 0);
  }
  EXPECT_NEAR(all.bennett.error, all.bennett_theory_error, 0.35 * all.bennett_theory_error);  // 100 replicates: 7 %
  EXPECT_LT(all.bennett.error, all.forward.error);
  // Works repeated in blocks of ten are worth a tenth: errors grow by sqrt(10), which blocks see.
  std::vector<double> forward, reverse;
  for (std::size_t n = 0; n < 4000; ++n) {
    forward.push_back(works.forward[n / 10]);
    reverse.push_back(works.reverse[n / 10]);
  }
  const auto blocked = free_energy_difference(forward, reverse, 400, 400, 100, RandomStream(1));
  const auto single = free_energy_difference(forward, reverse, 0, 0, 100, RandomStream(1));
  EXPECT_NEAR(blocked.bennett.error / single.bennett.error, std::sqrt(10.0), 1.2);
}

TEST(FreeEnergyEstimators, RefuseWhatIsNoWork) {
  const std::vector one{1.0};
  EXPECT_THROW(exponential_average_forward({}), InputError);
  EXPECT_THROW(bennett_acceptance_ratio({}, one), InputError);
  EXPECT_THROW(bennett_acceptance_ratio(one, {}), InputError);
  EXPECT_THAT(
      [&] {
        bennett_acceptance_ratio(one, std::vector{0.0, not_a_number});
      },
      testing::ThrowsMessage<InputError>(testing::HasSubstr("reverse work 1 is nan")));
  EXPECT_THROW(exponential_average_reverse(std::vector{-infinity}), InputError);
}

}  // namespace
}  // namespace boltzflow
