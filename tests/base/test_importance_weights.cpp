// SPDX-License-Identifier: MIT
#include "boltzflow/base/importance_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

TEST(ImportanceWeights, AreTargetOverFlow) {
  EXPECT_THAT(log_importance_weights(std::vector{1.0, 2.0}, std::vector{-4.0, infinity}), ElementsAre(3.0, -infinity));
}

TEST(ImportanceWeights, RefuseWhatNoSampleCanHave) {
  const std::vector one{0.0};
  EXPECT_THROW(log_importance_weights({}, {}), InputError);
  EXPECT_THROW(log_importance_weights(one, std::vector{0.0, 0.0}), InputError);
  for (const double bad : {not_a_number, infinity, -infinity})
    EXPECT_THROW(log_importance_weights(std::vector{bad}, one), InputError);
  for (const double bad : {not_a_number, -infinity})
    EXPECT_THROW(log_importance_weights(one, std::vector{bad}), InputError);
  try {
    log_importance_weights(std::vector{0.0, 0.0, 0.0}, std::vector{0.0, 0.0, not_a_number});
    FAIL() << "a NaN energy was accepted";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("sample 2 is nan"));
  }
}

TEST(ImportanceWeights, ClippingAgreesWithSorting) {
  RandomStream random(5);
  std::vector<double> log_weight(20'000);
  for (double& w : log_weight) w = 3 * random.normal();
  for (const double fraction : {0.0, 1e-4, 3e-4, 0.01, 0.5, 0.9999}) {
    std::vector<double> sorted = log_weight;
    std::sort(sorted.begin(), sorted.end());
    const auto n_clipped = static_cast<std::size_t>(std::llround(fraction * 20'000));
    const double threshold = n_clipped < 2 ? infinity : sorted[sorted.size() - n_clipped];
    const auto clipped = clip_log_weights(log_weight, fraction);
    for (std::size_t n = 0; n < clipped.size(); ++n)
      ASSERT_EQ(clipped[n], std::min(log_weight[n], threshold)) << fraction;
  }
}

TEST(ImportanceWeights, ClippedCountSurvivesRounding) {
  for (const std::size_t n : {10'000u, 30'000u, 70'000u, 290'000u, 1'000'000u, 10'000'000u})
    EXPECT_EQ(clipped_count(n, 1e-4), n / 10'000);
}

TEST(ImportanceWeights, NormalisedSumToOneWithoutOverflow) {
  const auto weight = normalized_weights(std::vector{1000.0, 1000.0 + std::log(3.0), -infinity});
  EXPECT_NEAR(weight[0], 0.25, 1e-13);  // 1000 + log 3 is rounded at 1e-13
  EXPECT_NEAR(weight[1], 0.75, 1e-13);
  EXPECT_EQ(weight[2], 0);
  EXPECT_THROW(normalized_weights(std::vector{-infinity}), InputError);
  EXPECT_THROW(normalized_weights({}), InputError);
}

TEST(LogMeanExp, NeitherOverflowsNorLosesSmallTerms) {
  EXPECT_NEAR(log_mean_exp(std::vector{1000.0, 1000.0}), 1000.0, 1e-12);
  EXPECT_NEAR(log_mean_exp(std::vector{0.0, std::log(3.0)}), std::log(2.0), 1e-15);
  EXPECT_EQ(log_mean_exp(std::vector<double>{-INFINITY, -INFINITY}), -INFINITY);
  EXPECT_THROW(log_mean_exp({}), InputError);
}

}  // namespace
}  // namespace boltzflow
