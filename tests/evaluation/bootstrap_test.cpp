// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/bootstrap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double bootstrap_error_of_mean(const std::vector<double>& values, std::size_t n_blocks, const RandomStream& stream) {
  return bootstrap_errors(100, stream, [&](const RandomStream& random) {
    return std::vector{mean_of(gathered(values, bootstrap_indices(values.size(), n_blocks, random)))};
  })[0];
}

// The number of times a sample is drawn is a Poisson variable of mean one.
TEST(Bootstrap, DrawsEverySamplePoissonTimes) {
  const std::size_t n = 400'000;
  const auto indices = bootstrap_indices(n, 0, RandomStream(1));
  EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
  std::vector<int> count(n), histogram(20);
  for (const auto i : indices) ++count[i];
  for (const int c : count) ++histogram[static_cast<std::size_t>(c)];
  double probability = std::exp(-1.0);
  for (int k = 0; k < 6; ++k) {
    const double expected = probability * n;
    EXPECT_NEAR(histogram[static_cast<std::size_t>(k)], expected, 6 * std::sqrt(expected))
        << k;  // false alarm 2e-9 each
    probability /= k + 1;
  }
}

TEST(Bootstrap, DrawsBlocksAsAWhole) {
  const auto indices = bootstrap_indices(103, 10, RandomStream(2));
  std::vector<int> count(103);
  for (const auto i : indices) ++count[i];
  for (std::size_t block = 0; block < 10; ++block)
    for (std::size_t n = 103 * block / 10; n < 103 * (block + 1) / 10; ++n)
      EXPECT_EQ(count[n], count[103 * block / 10]);
}

// The interval mean +- 1.96 errors covers the truth in about 95 % of cases. Expected here 94 % (100 samples, 100
// replicates); of 1000 trials the standard deviation is 0.75 %, so 91 % to 97 % is four of them: false alarm below
// 1e-4.
TEST(Bootstrap, CoversTheTruthAsOftenAsItSays) {
  int covered = 0;
  for (std::uint64_t trial = 0; trial < 1000; ++trial) {
    RandomStream random(3, trial);
    std::vector<double> values(100);
    for (double& value : values) value = -std::log(random.uniform()) + random.normal();  // skewed, mean 1
    const double error = bootstrap_error_of_mean(values, 0, RandomStream(4, trial));
    covered += std::abs(mean_of(values) - 1) < 1.96 * error;
  }
  EXPECT_GE(covered, 910);
  EXPECT_LE(covered, 970);
}

// Of an autoregressive chain the error of single samples is far too small, that of blocks is right.
TEST(Bootstrap, BlocksSeeCorrelation) {
  const double memory = 0.95;  // statistical inefficiency (1 + a) / (1 - a) = 39
  RandomStream random(5);
  std::vector<double> chain(100'000);
  double x = random.normal();
  for (double& value : chain) {
    value = x;
    x = memory * x + std::sqrt(1 - memory * memory) * random.normal();
  }
  const double exact = std::sqrt(39.0 / 100'000);
  // 100 blocks and 100 replicates: relative standard deviation 1/sqrt(200) twice = 10 %; five of them, false alarm
  // 6e-7.
  EXPECT_NEAR(bootstrap_error_of_mean(chain, 100, RandomStream(6)), exact, 0.5 * exact);
  EXPECT_LT(bootstrap_error_of_mean(chain, 0, RandomStream(6)), exact / 4);
}

TEST(Bootstrap, DoesNotDependOnTheNumberOfThreads) {
  std::vector<double> values(500);
  std::iota(values.begin(), values.end(), 0.0);
  const int n_threads = thread_count();
  set_thread_count(1);
  const double one = bootstrap_error_of_mean(values, 0, RandomStream(7));
  set_thread_count(3);
  const double three = bootstrap_error_of_mean(values, 0, RandomStream(7));
  set_thread_count(n_threads);
  EXPECT_EQ(one, three);
}

TEST(Bootstrap, OneSampleGivesNoEmptyReplicateAndNoSpread) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) EXPECT_FALSE(bootstrap_indices(1, 0, RandomStream(seed)).empty());
  EXPECT_EQ(bootstrap_error_of_mean({100.0 / 3}, 0, RandomStream(8)),
            0);  // whatever the mean over replicates rounds to
}

TEST(Bootstrap, UnresolvedErrorsAreNan) {
  const auto errors = bootstrap_errors(10, RandomStream(9), [](const RandomStream& stream) {
    RandomStream random = stream;
    return std::vector{random.uniform() < 0.5 ? std::numeric_limits<double>::infinity() : 1.0, random.uniform()};
  });
  EXPECT_TRUE(std::isnan(errors[0]));
  EXPECT_GT(errors[1], 0);
}

TEST(Bootstrap, RefusesWhatItCannotResample) {
  EXPECT_THROW(bootstrap_indices(0, 0, RandomStream(1)), InputError);
  EXPECT_THROW(bootstrap_indices(5, 6, RandomStream(1)), InputError);
  EXPECT_THROW(bootstrap_errors(1, RandomStream(1), [](const RandomStream&) { return std::vector{1.0}; }), InputError);
}

}  // namespace
}  // namespace boltzflow
