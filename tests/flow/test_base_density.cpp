// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/base_density.hpp"

namespace boltzflow {
namespace {

/// The standard deviation's worth of the truncated normal's quantile at probability p <= 0.5, by bisection of erfc.
double exact_deviation(double p) {
  const double outside = 0.5 * std::erfc(5 / std::sqrt(2.0)), target = outside + (1 - 2 * outside) * p;
  double low = -5, high = 0;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < target ? low : high) = middle;
  }
  return low;
}

TEST(BaseDensity, QuantilesAreExactFromTheMeanIntoTheTails) {
  std::vector<std::uint32_t> words;
  for (std::uint32_t k = 0; k < 31; ++k) {
    for (const std::uint32_t add : {0u, 1u, 5u}) words.push_back((1u << k) + add);
  }
  for (std::uint32_t word = 0; word < 0x80000000u - 10'000'019u; word += 10'000'019u) words.push_back(word);
  words.push_back(0x7fffffffu);
  words.resize((words.size() + 15) / 16 * 16, 3u);
  const std::vector<std::int32_t> mask(words.size(), 0);
  const auto check = [&](auto kernel) {
    std::vector<float> below(words.size()), above(words.size());
    auto upper = words;
    for (auto& word : upper) word |= 0x80000000u;
    kernel(words.data(), mask.data(), below.data(), static_cast<std::int64_t>(words.size()));
    kernel(upper.data(), mask.data(), above.data(), static_cast<std::int64_t>(words.size()));
    for (std::size_t i = 0; i < words.size(); ++i) {
      const double exact = exact_deviation((words[i] + 0.5) * 0x1p-32);
      // AS 241 is good to 1e-7 relative; x = 0.5 + 0.1 deviation is rounded to 3e-8, or 3e-7 standard deviations.
      EXPECT_NEAR((below[i] - 0.5) / 0.1, exact, 2e-6) << words[i];
      EXPECT_NEAR((above[i] - 0.5) / 0.1, -exact, 2e-6) << words[i];
      EXPECT_GT(below[i], 0.0f);
      EXPECT_LT(above[i], 1.0f);
    }
  };
  check(&baseline::base_samples_from_words);
  if (best_instruction_set() >= InstructionSet::avx2) check(&avx2::base_samples_from_words);
  if (best_instruction_set() >= InstructionSet::avx512) check(&avx512::base_samples_from_words);
}

TEST(BaseDensity, IsNormalised) {
  const BaseDensity interval({0}), circle({1});
  const int n = 20000;
  std::vector<float> x(static_cast<std::size_t>(n));
  std::vector<double> log_prob(x.size());
  for (int i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>((i + 0.5) / n);
  for (const auto* density : {&interval, &circle}) {
    density->log_prob(x.data(), n, log_prob.data());
    double sum = 0;
    for (const double value : log_prob) sum += std::exp(value) / n;
    EXPECT_NEAR(sum, 1, 1e-6);  // midpoint rule on points rounded to float32
  }
}

// 4e5 samples each: a standard error of 1.6e-4 of the mean's scale; 5 of them are a false alarm of 6e-7 per comparison.
TEST(BaseDensity, SamplesHaveTheMomentsOfTheDensity) {
  const BaseDensity density({0, 1, 0});
  const std::int64_t n = 400'000;
  std::vector<float> x(static_cast<std::size_t>(3 * n));
  density.sample(77, 0, n, x.data());
  double mean[3] = {}, square[3] = {}, product = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_GT(x[i], 0.0f);
    ASSERT_LT(x[i], 1.0f);
    mean[i % 3] += (x[i] - 0.5) / n;
    square[i % 3] += std::pow(x[i] - 0.5, 2) / n;
    if (i % 3 == 0) product += (x[i] - 0.5) * (x[i + 2] - 0.5) / n;
  }
  const double root_n = std::sqrt(static_cast<double>(n));
  for (const int j : {0, 2}) {
    EXPECT_NEAR(mean[j], 0, 5 * 0.1 / root_n);
    EXPECT_NEAR(square[j], 0.01, 5 * 0.01 * std::sqrt(2.0) / root_n);  // truncation at 5 sigma takes 3e-8 of it
  }
  EXPECT_NEAR(mean[1], 0, 5 * std::sqrt(1 / 12.0) / root_n);
  EXPECT_NEAR(square[1], 1 / 12.0, 5 * std::sqrt(1 / 180.0) / root_n);
  EXPECT_NEAR(product, 0, 5 * 0.01 / root_n);
}

TEST(BaseDensity, ASampleIsAFunctionOfItsKeyAndIndexAlone) {
  const BaseDensity density(std::vector<unsigned char>(7, 1));
  std::vector<float> all(7 * 1000), part(7 * 10);
  set_thread_count(2);
  density.sample(5, 0, 1000, all.data());
  set_thread_count(1);
  density.sample(5, 640, 10, part.data());
  set_thread_count(0);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 7 * 640));
  RandomStream stream(5, 640);
  for (int j = 0; j < 7; ++j)
    EXPECT_EQ(part[static_cast<std::size_t>(j)], std::min(stream.uniform_float(), 1.0f - 0x1p-24f));
  density.sample(6, 640, 10, part.data());
  EXPECT_FALSE(std::equal(part.begin(), part.end(), all.begin() + 7 * 640));
}

}  // namespace
}  // namespace boltzflow
