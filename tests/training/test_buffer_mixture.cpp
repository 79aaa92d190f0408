// SPDX-License-Identifier: MIT
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/training/buffer_mixture.hpp"

namespace boltzflow {
namespace {

// "Flows" are normals with mean 0 and the standard deviation that is their only parameter; the target is N(0.5, 1).
double normal_log_prob(double x, double mean, double deviation) {
  const double t = (x - mean) / deviation;
  return -0.5 * t * t - std::log(deviation) - 0.5 * std::log(2 * M_PI);
}

SampleBuffer samples_of(double deviation, int n, std::uint64_t seed) {
  RandomStream random(seed);
  SampleBuffer buffer;
  buffer.dimension = 1;
  buffer.n_drawn = n;
  for (int i = 0; i < n; ++i) {
    const auto x = static_cast<float>(deviation * random.normal());
    buffer.z.push_back(x);
    buffer.log_prob.push_back(normal_log_prob(x, 0, deviation));
    buffer.log_det.push_back(0);
    buffer.reduced_energy.push_back(-normal_log_prob(x, 0.5, 1) - 3.0);  // log Z = 3
    buffer.basins.push_back(x > 1.5 ? 1 : 0);
  }
  return buffer;
}

std::vector<double> log_prob_under(const at::Tensor& parameters, const SampleBuffer& samples) {
  std::vector<double> log_prob;
  for (const float x : samples.z) log_prob.push_back(normal_log_prob(x, 0, parameters.const_data_ptr<float>()[0]));
  return log_prob;
}

at::Tensor parameters_of(double deviation) { return at::full({1}, deviation, at::kFloat); }

TEST(BufferMixture, WeightsAreThoseOfTheMixtureByBruteForce) {
  BufferMixture mixture(2);
  const std::vector<double> deviations{4.0, 3.0, 2.0, 1.5, 1.25};
  for (std::size_t k = 0; k < deviations.size(); ++k)
    mixture.add(samples_of(deviations[k], 500 + 100 * static_cast<int>(k), k), parameters_of(deviations[k]), k == 1,
                log_prob_under);
  // 3.0 is permanent; of the others the two newest remain.
  std::vector<double> kept;
  for (const auto& component : mixture.components()) kept.push_back(component.parameters.const_data_ptr<float>()[0]);
  ASSERT_EQ(kept, (std::vector<double>{3.0, 1.5, 1.25}));
  ASSERT_EQ(mixture.n_samples(), 600 + 800 + 900);

  const std::vector<double> log_weight = mixture.log_weights();
  std::size_t n = 0;
  for (const auto& component : mixture.components())
    for (std::int64_t i = 0; i < component.samples.size(); ++i, ++n) {
      const double x = component.samples.z[i];
      const double density = (600 * std::exp(normal_log_prob(x, 0, 3.0)) + 800 * std::exp(normal_log_prob(x, 0, 1.5)) +
                              900 * std::exp(normal_log_prob(x, 0, 1.25))) /
                             2300;
      EXPECT_NEAR(log_weight[n], -component.samples.reduced_energy[i] - std::log(density), 1e-10);
    }
  ASSERT_EQ(n, log_weight.size());
  EXPECT_NEAR(log_mean_exp(log_weight), 3.0, 0.05);  // log Z; 4 standard errors of 2300 samples with an ESS of half
}

TEST(BufferMixture, TellsTheWeightOfABasin) {
  BufferMixture mixture(4);
  for (const double deviation : {3.0, 2.0, 1.2})
    mixture.add(samples_of(deviation, 20'000, 7), parameters_of(deviation), false, log_prob_under);
  std::vector<std::uint32_t> basins;
  for (const auto& c : mixture.components())
    basins.insert(basins.end(), c.samples.basins.begin(), c.samples.basins.end());
  const BasinWeight weight = basin_weight(basins, 0, mixture.log_weights());
  const double expected = 0.5 * std::erfc((1.5 - 0.5) / std::sqrt(2.0));
  EXPECT_NEAR(weight.value, expected, 5 * weight.standard_error);  // false alarm 6e-7
  EXPECT_LT(weight.standard_error, 0.01);
  EXPECT_TRUE(basin_disagreement(mixture, 0, "x>1.5", mixture.log_weights()).size() < 400);
}

TEST(BufferMixture, WarnsWhenTheNewestFlowHasLostABasinAndOnlyThen) {
  // The target in [-1.5, 1.5] is what a flow of deviation 0.5 covers: x > 1.5 is all but lost to it.
  BufferMixture healthy(4), losing(4);
  for (const double deviation : {2.0, 1.2}) {
    healthy.add(samples_of(deviation, 20'000, 3), parameters_of(deviation), false, log_prob_under);
    losing.add(samples_of(deviation, 20'000, 3), parameters_of(deviation), false, log_prob_under);
  }
  healthy.add(samples_of(1.3, 20'000, 5), parameters_of(1.3), false, log_prob_under);
  losing.add(samples_of(0.4, 20'000, 5), parameters_of(0.4), false, log_prob_under);
  EXPECT_EQ(basin_disagreement(healthy, 0, "x>1.5", healthy.log_weights()), "");
  const std::string warning = basin_disagreement(losing, 0, "x>1.5", losing.log_weights());
  EXPECT_NE(warning.find("disagree about x>1.5"), std::string::npos) << warning;
}

}  // namespace
}  // namespace boltzflow
