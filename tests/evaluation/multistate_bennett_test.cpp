// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/multistate_bennett.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/evaluation/free_energy_estimators.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Harmonic oscillators u_k = (x - m_k)^2 / (2 s_k^2): F_k = -log s_k up to a constant.
struct Oscillators {
  std::vector<double> mean, scale;
  std::vector<std::size_t> counts;

  std::vector<double> reduced_energies(std::uint64_t seed) const {
    RandomStream random(seed);
    std::vector<double> x, u;
    for (std::size_t k = 0; k < mean.size(); ++k)
      for (std::size_t n = 0; n < counts[k]; ++n) x.push_back(mean[k] + scale[k] * random.normal());
    for (std::size_t k = 0; k < mean.size(); ++k)
      for (const double position : x) u.push_back(0.5 * std::pow((position - mean[k]) / scale[k], 2));
    return u;
  }
  double exact(std::size_t from, std::size_t to) const { return std::log(scale[from] / scale[to]); }
};

TEST(MultistateBennett, OfTwoStatesIsBennett) {
  const Oscillators states{{0, 1.2}, {1, 0.5}, {700, 300}};
  const auto u = states.reduced_energies(3);
  std::vector<double> forward, reverse;
  for (std::size_t n = 0; n < 1000; ++n)
    (n < 700 ? forward : reverse).push_back((n < 700 ? 1 : -1) * (u[1000 + n] - u[n]));
  const Estimate both = multistate_bennett(u, states.counts).difference(0, 1);
  const Estimate pair = bennett_acceptance_ratio(forward, reverse);
  EXPECT_NEAR(both.value, pair.value, 1e-10);
  EXPECT_NEAR(both.error, pair.error, 0.02 * pair.error);  // equal in the limit of many samples
}

// Scores over their errors are standard normal: 100 seeds, mean within 4/sqrt(100), variance within 4 sqrt(2/100).
TEST(MultistateBennett, IsUnbiasedAndItsErrorsAreTheSpread) {
  const Oscillators states{{0, 1, 2, 1.5}, {1, 0.7, 0.4, 0.6}, {200, 150, 250, 0}};  // the last by reweighting alone
  for (std::size_t to = 1; to < 4; ++to) {
    double sum = 0, squares = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const Estimate estimate = multistate_bennett(states.reduced_energies(seed), states.counts).difference(0, to);
      const double score = (estimate.value - states.exact(0, to)) / estimate.error;
      sum += score;
      squares += score * score;
    }
    EXPECT_NEAR(sum / 100, 0, 0.4) << to;
    EXPECT_NEAR(squares / 100, 1, 0.57) << to;
  }
}

TEST(MultistateBennett, SolvesItsEquationsFromAFarStart) {
  Oscillators states{{0, 1, 2}, {1, 0.7, 0.4}, {300, 300, 300}};
  auto u = states.reduced_energies(1);
  const auto near = multistate_bennett(u, states.counts);
  for (std::size_t n = 0; n < 900; ++n) u[2 * 900 + n] += 1e4;  // a constant of a state is its free energy
  const auto far = multistate_bennett(u, states.counts);
  EXPECT_NEAR(far.free_energy[2] - near.free_energy[2], 1e4, 1e-8);
  EXPECT_NEAR(far.free_energy[1], near.free_energy[1], 1e-10);
  EXPECT_LT(near.n_iterations, 30);
}

TEST(MultistateBennett, TakesInfiniteEnergiesAsNoWeight) {
  // A = [0, 1], B = [0, 1/2], constant energies, A sampled evenly: F_B - F_A = log 2 from A alone.
  std::vector<double> u(200, 0.0);
  for (std::size_t n = 0; n < 50; ++n) u[100 + 2 * n] = infinity;
  EXPECT_NEAR(multistate_bennett(u, std::vector<std::size_t>{100, 0}).difference(0, 1).value, std::log(2.0), 1e-12);
}

TEST(MultistateBennett, RefusesWhatIsNoSetOfStates) {
  const std::vector<double> u{0, 1, 2, 3};
  EXPECT_THROW(multistate_bennett(u, {}), InputError);
  EXPECT_THROW(multistate_bennett(u, std::vector<std::size_t>{1, 2}), InputError);
  EXPECT_THROW(multistate_bennett(u, std::vector<std::size_t>{0, 0}), InputError);
  EXPECT_THROW(multistate_bennett(std::vector{0.0, std::nan(""), 1.0, 1.0}, std::vector<std::size_t>{1, 1}), InputError);
  EXPECT_THROW(multistate_bennett(std::vector{0.0, 0.0, infinity, infinity}, std::vector<std::size_t>{1, 1}),
               InputError);
  EXPECT_THROW(multistate_bennett(u, std::vector<std::size_t>{1, 1}).difference(0, 2), InputError);
  // Two states that never see each other: no equation ties them.
  EXPECT_THAT(
      [&] {
        multistate_bennett(std::vector{0.0, infinity, infinity, 0.0}, std::vector<std::size_t>{1, 1});
      },
      testing::ThrowsMessage<InputError>(testing::HasSubstr("share no samples")));
}

}  // namespace
}  // namespace boltzflow
