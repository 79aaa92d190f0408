// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/wasserstein.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

TEST(Wasserstein, OfEqualCountsPairsSortedValues) {
  const std::vector a{3.0, 1.0, 2.0}, b{5.0, 1.0, 4.0};  // 1-1, 2-4, 3-5
  EXPECT_DOUBLE_EQ(wasserstein_distance(a, {}, b, {}, 1), 4.0 / 3);
  EXPECT_DOUBLE_EQ(wasserstein_distance(a, {}, b, {}, 2), std::sqrt(8.0 / 3));
  EXPECT_EQ(wasserstein_distance(a, {}, a, {}, 2), 0);
}

// A weight of k is k values, for any k; the quantile functions are the same.
TEST(Wasserstein, TakesWeightsAsRepetitions) {
  const std::vector a{0.0, 10.0, 4.0}, weight{1.0, 2.0, 3.0}, repeated{0.0, 10.0, 10.0, 4.0, 4.0, 4.0};
  const std::vector b{1.0, 2.0, 3.0, 20.0, -1.0};
  for (const int order : {1, 2})
    EXPECT_NEAR(wasserstein_distance(a, weight, b, {}, order), wasserstein_distance(repeated, {}, b, {}, order), 1e-14);
}

TEST(Wasserstein, OfDifferentCountsIsTheIntegralOfTheQuantiles) {
  // F_a^-1 = 0, 6 (halves); F_b^-1 = 0, 3, 9 (thirds): |0-0|/3 + |0-3|/6 + |6-3|/6 + |6-9|/3.
  EXPECT_DOUBLE_EQ(wasserstein_distance(std::vector{6.0, 0.0}, {}, std::vector{9.0, 0.0, 3.0}, {}, 1), 2.0);
}

// W_p of two normal distributions is sqrt((m1 - m2)^2 + (s1 - s2)^2) for p = 2. With 200,000 draws its standard error
// is about 0.005; the tolerance is four of them.
TEST(Wasserstein, OfNormalDistributionsIsTheClosedForm) {
  RandomStream random(11);
  std::vector<double> a(200'000), b(200'000), weight(200'000);
  for (double& x : a) x = 1 + 2 * random.normal();
  for (double& x : b) x = -0.5 + 3 * random.normal();
  EXPECT_NEAR(wasserstein_distance(a, {}, b, {}, 2), std::sqrt(1.5 * 1.5 + 1), 0.02);
  // Reweighted from N(-0.5, 3) to N(1, 2), the distance to the latter vanishes but for the noise.
  for (std::size_t n = 0; n < b.size(); ++n)
    weight[n] = std::exp(-0.5 * std::pow((b[n] - 1) / 2, 2) + 0.5 * std::pow((b[n] + 0.5) / 3, 2));
  EXPECT_LT(wasserstein_distance(b, weight, a, {}, 1), 0.03);
}

TEST(Wasserstein, LeavesOutValuesWithoutWeightAndIsInfiniteOtherwise) {
  const std::vector a{1.0, infinity}, b{1.0};
  EXPECT_EQ(wasserstein_distance(a, std::vector{1.0, 0.0}, b, {}, 1), 0);
  EXPECT_EQ(wasserstein_distance(a, {}, b, {}, 1), infinity);
  EXPECT_EQ(wasserstein_distance(a, {}, b, {}, 2), infinity);
}

TEST(Wasserstein, DoesNotDependOnTheOrderOfValues) {
  RandomStream random(2);
  std::vector<double> a(501), b(300), w(501);
  for (double& x : a) x = random.normal();
  for (double& x : b) x = random.normal();
  for (double& x : w) x = random.uniform();
  const double distance = wasserstein_distance(a, w, b, {}, 1);
  std::vector<double> sorted_a, sorted_w;
  for (const std::size_t n : sorting_order(a)) sorted_a.push_back(a[n]), sorted_w.push_back(w[n]);
  EXPECT_TRUE(std::is_sorted(sorted_a.begin(), sorted_a.end()));
  EXPECT_DOUBLE_EQ(wasserstein_distance(sorted_a, sorted_w, b, {}, 1), distance);
  EXPECT_NEAR(wasserstein_distance(b, {}, a, w, 1), distance, 1e-13);
}

TEST(Wasserstein, RefusesWhatIsNoWeightedSet) {
  const std::vector one{1.0}, two{1.0, 2.0};
  EXPECT_THROW(wasserstein_distance({}, {}, one, {}, 1), InputError);
  EXPECT_THROW(wasserstein_distance(one, two, one, {}, 1), InputError);
  EXPECT_THROW(wasserstein_distance(std::vector{not_a_number}, {}, one, {}, 1), InputError);
  EXPECT_THROW(wasserstein_distance(one, {}, one, std::vector{-1.0}, 1), InputError);
  EXPECT_THROW(wasserstein_distance(one, {}, one, std::vector{0.0}, 1), InputError);
  EXPECT_THROW(wasserstein_distance(one, {}, one, {}, 3), InputError);
}

}  // namespace
}  // namespace boltzflow
