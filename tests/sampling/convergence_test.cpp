// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/convergence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

/// Chains x_t = rho x_(t-1) + sqrt(1 - rho^2) xi of unit variance, begun in equilibrium, around `mean`.
std::vector<double> autoregressive(double rho, int n_chains, int n, double mean, std::uint64_t seed) {
  std::vector<double> values;
  for (int c = 0; c < n_chains; ++c) {
    RandomStream random(seed, static_cast<std::uint64_t>(c));
    double x = random.normal();
    for (int t = 0; t < n; ++t, x = rho * x + std::sqrt(1 - rho * rho) * random.normal()) values.push_back(mean + x);
  }
  return values;
}

// tau = (1 + rho)/(1 - rho) exactly. Its estimate from N values with a window of about 5 tau is off by
// sqrt(2 * 2 * 5 tau/N): 1.4 % for tau = 10 and 1e6 values; 5 of them.
TEST(Convergence, AutoregressiveChainsHaveTheirAutocorrelationTime) {
  for (const double rho : {0.0, 0.5, 0.8, 0.9}) {
    const double tau = (1 + rho) / (1 - rho);
    const auto values = autoregressive(rho, 20, 50'000, 3, 1);
    const Convergence c = assess_convergence(values, 20);
    EXPECT_NEAR(c.autocorrelation_time / tau, 1, 5 * std::sqrt(20 * tau / 1e6)) << rho;
    EXPECT_NEAR(c.effective_samples * tau / 1e6, 1, 0.1);
    EXPECT_NEAR(c.standard_deviation, 1, 5 * std::sqrt(tau / 1e6));
    EXPECT_NEAR(c.mean, 3, 5 * c.standard_error);
    EXPECT_NEAR(c.standard_error, std::sqrt(tau / 1e6), 0.1 * std::sqrt(tau / 1e6));
    EXPECT_LT(c.gelman_rubin, 1.001);
    EXPECT_NEAR(integrated_autocorrelation_time(std::span(values).first(50'000)) / tau, 1,
                5 * std::sqrt(20 * tau / 5e4));
  }
}

TEST(Convergence, AnticorrelatedChainsAreWorthMoreThanTheirLength) {
  const Convergence c = assess_convergence(autoregressive(-0.5, 10, 10'000, 0, 2), 10);
  EXPECT_NEAR(c.autocorrelation_time, 1.0 / 3, 0.05);
  EXPECT_GT(c.effective_samples, 2.5e5);
}

// The error that is stated is the error that is made: the means of 200 small sets scatter by it.
TEST(Convergence, StatedErrorsAreTheScatterOfRepetitions) {
  double square = 0, stated = 0;
  for (std::uint64_t repetition = 0; repetition < 200; ++repetition) {
    const Convergence c = assess_convergence(autoregressive(0.9, 8, 1000, 0, 100 + repetition), 8);
    square += c.mean * c.mean / 200;
    stated += c.standard_error * c.standard_error / 200;
  }
  EXPECT_NEAR(std::sqrt(stated / square), 1, 5 * 0.05);  // 1/sqrt(2 * 200) for the scatter
}

TEST(Convergence, ChainsThatDoNotAgreeAreSeen) {
  auto values = autoregressive(0.5, 8, 1000, 0, 3);
  for (int t = 0; t < 1000; ++t) values[t] += 5;  // one of eight is trapped elsewhere
  const Convergence trapped = assess_convergence(values, 8);
  // B/n = 25/8 = 3.1: R-hat = sqrt(1 + 3.1) = 2.0
  EXPECT_NEAR(trapped.gelman_rubin, 2.0, 0.1);
  EXPECT_LT(trapped.effective_samples, 30);
  auto drifting = autoregressive(0.5, 8, 1000, 0, 4);
  for (int i = 0; i < 8000; ++i) drifting[i] += 3e-3 * (i % 1000);
  EXPECT_GT(assess_convergence(drifting, 8).gelman_rubin, 1.2) << "a drift shared by all is seen by their halves";
}

TEST(Convergence, DegenerateInput) {
  EXPECT_THROW(assess_convergence({}, 1), InputError);
  EXPECT_THROW(assess_convergence(std::vector<double>(7), 2), InputError);
  EXPECT_THROW(assess_convergence(std::vector<double>(7), 0), InputError);
  const Convergence constant = assess_convergence(std::vector<double>(100, 0.1), 4);
  EXPECT_NEAR(constant.mean, 0.1, 1e-15);
  EXPECT_TRUE(std::isnan(constant.gelman_rubin) && std::isnan(constant.effective_samples));
  const Convergence tiny = assess_convergence(std::vector<double>{1, 2, 3}, 1);
  EXPECT_EQ(tiny.mean, 2);
  EXPECT_TRUE(std::isnan(tiny.standard_error));
  EXPECT_FALSE(std::isnan(assess_convergence(std::vector<double>{1, 2, 4, 3}, 1).autocorrelation_time));
}

}  // namespace
}  // namespace boltzflow
