// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/training/resampling.hpp"
#include "boltzflow/training/weighted_fit.hpp"

namespace boltzflow {
namespace {

TEST(Resampling, SystematicResamplingIsWithinOneOfTheExpectation) {
  RandomStream random(4);
  std::vector<double> weight;
  for (int i = 0; i < 5000; ++i) weight.push_back(i % 7 == 0 ? 0.0 : std::exp(3 * random.normal()));
  const double total = std::accumulate(weight.begin(), weight.end(), 0.0);
  for (const std::int64_t n : {1, 100, 5000, 20'001}) {
    const std::vector<std::uint32_t> indices = systematic_resample(weight, n, random);
    ASSERT_EQ(std::ssize(indices), n);
    std::vector<int> count(weight.size());
    for (const std::uint32_t i : indices) ++count.at(i);
    for (std::size_t i = 0; i < weight.size(); ++i)
      ASSERT_LE(std::abs(count[i] - static_cast<double>(n) * weight[i] / total), 1 + 1e-6) << i;
  }
  EXPECT_THROW(systematic_resample(std::vector<double>(3, 0.0), 3, random), InputError);
}

TEST(Resampling, ShufflingKeepsEveryIndexAndIsReproducible) {
  std::vector<std::uint32_t> a(1000), b;
  std::iota(a.begin(), a.end(), 0u);
  b = a;
  RandomStream first(9), second(9);
  shuffle(a, first);
  shuffle(b, second);
  EXPECT_EQ(a, b);
  EXPECT_FALSE(std::is_sorted(a.begin(), a.end()));
  EXPECT_EQ(std::set<std::uint32_t>(a.begin(), a.end()).size(), 1000u);
}

// The gradient handed to autograd is the derivative of the loss it returns.
TEST(LogDispersionLoss, GradientIsItsDerivative) {
  RandomStream random(2);
  const int n = 40;
  std::vector<float> log_prob(n), gradient(n);
  std::vector<double> log_density(n), weight(n);
  for (int b = 0; b < n; ++b) {
    log_prob[b] = static_cast<float>(random.normal());
    log_density[b] = 50 + random.normal();
    weight[b] = 0.5 + random.uniform();
  }
  const WeightedFit::Regularization regularization{.log_dispersion = 0.7, .clip = 100};
  log_dispersion_loss(log_prob, log_density, weight, regularization, gradient);
  std::vector<float> unused(n);
  for (int b = 0; b < n; ++b) {
    std::vector<float> up = log_prob, down = log_prob;
    up[b] += 1e-2f;
    down[b] -= 1e-2f;
    const double difference = (log_dispersion_loss(up, log_density, weight, regularization, unused) -
                               log_dispersion_loss(down, log_density, weight, regularization, unused)) /
                              (static_cast<double>(up[b]) - static_cast<double>(down[b]));
    EXPECT_NEAR(gradient[b], difference, 1e-7);  // the loss is quadratic: float32 rounding of the gradient only
  }
}

TEST(LogDispersionLoss, ClipsDeviationsAndRefusesWhatIsNotFinite) {
  const std::vector<float> log_prob{0, 0, 0, 0};
  const std::vector<double> log_density{0, 0, 0, 400}, weight{1, 1, 1, 1};
  std::vector<float> gradient(4);
  log_dispersion_loss(log_prob, log_density, weight, {.log_dispersion = 1, .clip = 5}, gradient);
  EXPECT_FLOAT_EQ(gradient[3], -(1 + 2 * 5.0f) / 4);  // 300 above the mean counts as 5
  EXPECT_FLOAT_EQ(gradient[0], -(1 - 2 * 5.0f) / 4);  // 100 below likewise
  const std::vector<float> broken{0, NAN, 0, 0};
  EXPECT_TRUE(std::isnan(log_dispersion_loss(broken, log_density, weight, {1, 5}, gradient)));
}

}  // namespace
}  // namespace boltzflow
