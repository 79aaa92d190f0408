// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/smc.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// q = N(0, 1)^d; u = sum over d of (x - m)^2 / (2 s^2) - c in each dimension: log Z = d (log(s sqrt(2 pi)) + c).
struct GaussianBridge {
  double mean = 1.5, scale = 0.5, constant = 0.3;
  std::size_t dimension = 3;

  AnnealingBridge bridge() const {
    const auto fill = [dimension = dimension](std::span<const double> x, std::span<double> value,
                                              std::span<double> gradient, auto&& of) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        value[i] = 0;
        for (std::size_t c = i * dimension; c < (i + 1) * dimension; ++c) {
          const auto [v, g] = of(x[c]);
          value[i] += v;
          gradient[c] = g;
        }
      }
    };
    return {[fill](auto x, auto value, auto gradient) {
              fill(x, value, gradient, [](double t) { return std::pair{-0.5 * t * t - 0.5 * std::log(2 * pi), -t}; });
            },
            [fill, *this](auto x, auto value, auto gradient) {
              fill(x, value, gradient, [this](double t) {
                const double z = (t - mean) / scale;
                return std::pair{0.5 * z * z - constant, z / scale};
              });
            }};
  }
  double log_z() const { return static_cast<double>(dimension) * (std::log(scale * std::sqrt(2 * pi)) + constant); }
  std::vector<double> samples(std::size_t n, std::uint64_t seed) const {
    RandomStream random(seed);
    std::vector<double> x(n * dimension);
    for (double& t : x) t = random.normal();
    return x;
  }
};

SmcOptions options_of(const std::string& kernel) {
  SmcOptions options;
  options.kernel = kernel;
  options.step_size = 0.05;
  options.kernel_steps = 3;
  options.conditional_ess = 0.9;
  return options;
}

double weighted_mean(const SmcSamples& samples, std::size_t dimension, double power) {
  const auto weight = normalized_weights(samples.log_weight);
  double sum = 0;
  for (std::size_t i = 0; i < weight.size(); ++i)
    for (std::size_t c = 0; c < dimension; ++c)
      sum += weight[i] * std::pow(samples.x[i * dimension + c], power) / static_cast<double>(dimension);
  return sum;
}

class Smc : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Kernels, Smc, testing::Values("mala", "ula"), [](const auto& info) { return info.param; });

// Against the integral: log Z and the moments of the target. The tolerances are four standard errors, which come from
// ten independent runs themselves.
TEST_P(Smc, FindsTheIntegralAndTheMoments) {
  const GaussianBridge problem;
  double z = 0, z_squares = 0, mean = 0, square = 0;
  constexpr int n_runs = 10;
  for (int run = 0; run < n_runs; ++run) {
    SmcOptions options = options_of(GetParam());
    options.seed = static_cast<std::uint64_t>(run);
    const auto samples = sequential_monte_carlo(problem.bridge(), problem.samples(1000, 50 + run), 3, {}, options);
    EXPECT_EQ(samples.stages.back().beta, 1);
    const double ratio = std::exp(samples.log_partition_function - problem.log_z());
    z += ratio / n_runs;
    z_squares += ratio * ratio / n_runs;
    mean += weighted_mean(samples, 3, 1) / n_runs;
    square += weighted_mean(samples, 3, 2) / n_runs;
  }
  const double error = std::sqrt((z_squares - z * z) / (n_runs - 1));
  EXPECT_LT(error, 0.05);
  EXPECT_NEAR(z, 1, 4 * error);
  // 10 x 1,000 particles x 3 components of deviation 0.5, worth a fifth of as many independent ones.
  EXPECT_NEAR(mean, 1.5, 4 * 0.5 / std::sqrt(6000.0));
  EXPECT_NEAR(square, 1.5 * 1.5 + 0.25, 4 * 1.55 / std::sqrt(6000.0));
}

// Without resampling and with fixed steps the weights are unbiased for any step size: annealed importance sampling with
// a step far too long still has E[exp(log_weight)] = Z. 20,000 particles; four standard errors.
TEST_P(Smc, WeightsAreUnbiasedForALongStep) {
  GaussianBridge problem;
  problem.dimension = 1;
  problem.mean = 0.4;
  problem.scale = 0.8;
  SmcOptions options = options_of(GetParam());
  options.step_size = 0.6;
  options.adapt_step_size = false;
  options.resample_below = 0;
  const auto samples = sequential_monte_carlo(problem.bridge(), problem.samples(20'000, 5), 1, {}, options);
  double sum = 0, squares = 0;
  for (const double w : samples.log_weight) {
    const double ratio = std::exp(w - problem.log_z());
    sum += ratio;
    squares += ratio * ratio;
  }
  const double n = 20'000, mean = sum / n, error = std::sqrt((squares / n - mean * mean) / n);
  EXPECT_LT(error, 0.02);
  EXPECT_NEAR(mean, 1, 4 * error);
  for (const SmcStage& stage : samples.stages) EXPECT_FALSE(stage.resampled);
}

TEST_P(Smc, DoesNotDependOnThreads) {
  const GaussianBridge problem;
  const auto x = problem.samples(300, 1);
  const auto once = sequential_monte_carlo(problem.bridge(), x, 3, {}, options_of(GetParam()));
  set_thread_count(3);
  const auto threaded = sequential_monte_carlo(problem.bridge(), x, 3, {}, options_of(GetParam()));
  set_thread_count(0);
  EXPECT_EQ(once.x, threaded.x);
  EXPECT_EQ(once.log_weight, threaded.log_weight);
  EXPECT_EQ(once.ancestor, threaded.ancestor);
}

TEST_P(Smc, OfTheTargetItselfIsOneStep) {
  GaussianBridge problem;
  problem.mean = 0;
  problem.scale = 1;
  const auto samples = sequential_monte_carlo(problem.bridge(), problem.samples(200, 2), 3, {}, options_of(GetParam()));
  ASSERT_EQ(samples.stages.size(), 1u);
  EXPECT_NEAR(samples.log_partition_function, problem.log_z(), GetParam() == "mala" ? 1e-12 : 0.1);
  EXPECT_NEAR(samples.stages[0].effective_sample_size, 1, 1e-12);
}

// A wall: u is infinite for x < 0, so half of q has no weight. Z is half of that without the wall.
TEST_P(Smc, TakesInfiniteEnergiesForWalls) {
  GaussianBridge problem;
  problem.dimension = 1;
  problem.mean = 0;
  problem.scale = 0.7;
  const auto open = problem.bridge();
  AnnealingBridge walled{open.log_prob, [&](auto x, auto value, auto gradient) {
                           open.reduced_energy(x, value, gradient);
                           for (std::size_t i = 0; i < value.size(); ++i)
                             if (x[i] < 0) {
                               value[i] = infinity;
                               gradient[i] = std::nan("");
                             }
                         }};
  const auto samples = sequential_monte_carlo(walled, problem.samples(4000, 3), 1, {}, options_of(GetParam()));
  // The share of samples beyond the wall alone has an error of 0.8 / sqrt(4000) of its log; six of them.
  EXPECT_NEAR(samples.log_partition_function, problem.log_z() - std::log(2.0), 0.08);
  for (std::size_t i = 0; i < samples.x.size(); ++i)
    EXPECT_TRUE(samples.x[i] >= 0 || samples.log_weight[i] == -infinity);
}

TEST(SmcSamples, AccountForTheirWay) {
  const GaussianBridge problem;
  SmcOptions options = options_of("mala");
  std::vector<double> log_weight(500, 2.0);  // a constant of the weights is a constant of Z
  std::vector<double> betas;
  const auto samples = sequential_monte_carlo(problem.bridge(), problem.samples(500, 4), 3, log_weight, options,
                                              [&](const SmcStage& stage) { betas.push_back(stage.beta); });
  EXPECT_NEAR(samples.log_partition_function, problem.log_z() + 2, 0.4);
  EXPECT_TRUE(std::is_sorted(betas.begin(), betas.end()));
  ASSERT_EQ(betas.size(), samples.stages.size());
  EXPECT_GT(betas.size(), 3u);
  EXPECT_EQ(samples.n_evaluations, 500 * (1 + 3 * static_cast<std::int64_t>(betas.size())));
  std::vector<double> log_prob(500), energy(500), gradient(1500);
  problem.bridge().log_prob(samples.x, log_prob, gradient);
  problem.bridge().reduced_energy(samples.x, energy, gradient);
  EXPECT_EQ(samples.log_prob, log_prob);
  EXPECT_EQ(samples.reduced_energy, energy);
  for (const auto ancestor : samples.ancestor) EXPECT_LT(ancestor, 500u);
  StopFlag stop;
  stop.request_stop();
  const auto none = sequential_monte_carlo(problem.bridge(), problem.samples(5, 4), 3, {}, options, {}, &stop);
  EXPECT_TRUE(none.stages.empty());
  EXPECT_EQ(none.x, problem.samples(5, 4));
}

TEST(SmcSamples, RefuseWhatIsNoProblem) {
  const GaussianBridge problem;
  const auto x = problem.samples(5, 1);
  const auto run = [&](const SmcOptions& options, std::span<const double> log_weight = {}) {
    sequential_monte_carlo(problem.bridge(), x, 3, log_weight, options);
  };
  SmcOptions options = options_of("hmc");
  EXPECT_THROW(run(options), InputError);
  options = options_of("mala");
  options.conditional_ess = 1;
  EXPECT_THROW(run(options), InputError);
  options = options_of("mala");
  options.step_size = 0;
  EXPECT_THROW(run(options), InputError);
  options = options_of("mala");
  options.max_temperatures = 1;
  EXPECT_THAT([&] { run(options); }, testing::ThrowsMessage<InputError>(testing::HasSubstr("smc.max_temperatures")));
  options = options_of("mala");
  EXPECT_THROW(run(options, std::vector{0.0}), InputError);
  EXPECT_THROW(run(options, std::vector(5, -infinity)), InputError);
  EXPECT_THROW(sequential_monte_carlo(problem.bridge(), x, 4, {}, options), InputError);
  EXPECT_THROW(sequential_monte_carlo(problem.bridge(), {}, 3, {}, options), InputError);
  AnnealingBridge broken = problem.bridge();
  broken.reduced_energy = [](auto, auto value, auto) { value[2] = std::nan(""); };
  EXPECT_THAT([&] { sequential_monte_carlo(broken, x, 3, {}, options); },
              testing::ThrowsMessage<InputError>(testing::HasSubstr("particle 2")));
}

TEST(SmcSamples, OptionsDescribeThemselves) {
  SmcOptions options;
  OptionTable table;
  describe(options, table);
  EXPECT_EQ(table.options().size(), 7u);
  EXPECT_EQ(table.options()[0].key, "smc.kernel");
}

}  // namespace
}  // namespace boltzflow
