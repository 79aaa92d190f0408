// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/optimal_transport.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/transport/reference/linear_assignment.hpp"

namespace boltzflow {
namespace {

std::vector<float> normal_points(std::size_t n, std::size_t dimension, std::uint64_t seed, double scale = 1,
                                 double shift = 0) {
  RandomStream random(seed);
  std::vector<float> points(n * dimension);
  for (float& p : points) p = static_cast<float>(shift + scale * random.normal());
  return points;
}

double squared_distance(std::span<const float> x, std::span<const float> y, std::size_t i, std::size_t j,
                        std::size_t dimension) {
  double sum = 0;
  for (std::size_t k = 0; k < dimension; ++k) {
    const double d = static_cast<double>(x[i * dimension + k]) - y[j * dimension + k];
    sum += d * d;
  }
  return sum;
}

/// Feasible potentials that are tight on the map prove that no map is shorter.
void expect_optimal(std::span<const float> x, std::span<const float> y, std::size_t dimension,
                    const OptimalTransport& found) {
  const std::size_t n = x.size() / dimension;
  std::vector<std::int32_t> targets = found.target_of_source, all(n);
  std::iota(all.begin(), all.end(), 0);
  std::sort(targets.begin(), targets.end());
  ASSERT_EQ(targets, all);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      ASSERT_LE(found.source_potential[i] + found.target_potential[j],
                squared_distance(x, y, i, j, dimension) + found.resolution);
    const auto j = static_cast<std::size_t>(found.target_of_source[i]);
    const double assigned = squared_distance(x, y, i, j, dimension);
    ASSERT_GE(found.source_potential[i] + found.target_potential[j], assigned - found.resolution);
    sum += assigned;
  }
  EXPECT_NEAR(found.mean_squared_distance, sum / static_cast<double>(n), 1e-12 * sum);
}

TEST(OptimalTransport, ProvesItselfInManyDimensions) {
  for (const std::size_t dimension : {1, 2, 3, 66})
    for (const std::size_t n : {1, 2, 17, 400}) {
      const auto x = normal_points(n, dimension, n + dimension), y = normal_points(n, dimension, 7, 0.5, 2);
      const auto found = optimal_transport(x, y, dimension);
      expect_optimal(x, y, dimension, found);
      EXPECT_LT(found.resolution, 1e-3);  // float32 products of 66 terms, squared distances of order 200
    }
}

TEST(OptimalTransport, SortsPointsOfALine) {
  constexpr std::size_t n = 1000;
  const auto x = normal_points(n, 1, 1), y = normal_points(n, 1, 2, 3, 5);
  auto sorted_x = x, sorted_y = y;
  std::sort(sorted_x.begin(), sorted_x.end());
  std::sort(sorted_y.begin(), sorted_y.end());
  const auto found = optimal_transport(x, y, 1);
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::pow(static_cast<double>(sorted_x[i]) - sorted_y[i], 2);
  EXPECT_NEAR(found.mean_squared_distance, sum / n, 2 * found.resolution);
}

TEST(OptimalTransport, AgreesWithTheReference) {
  constexpr std::size_t n = 250, dimension = 12;
  const auto x = normal_points(n, dimension, 3), y = normal_points(n, dimension, 4, 1, 1);
  std::vector<double> cost(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) cost[i * n + j] = squared_distance(x, y, i, j, dimension);
  const auto expected = transport::reference::linear_assignment(cost, n);
  EXPECT_EQ(optimal_transport(x, y, dimension).target_of_source, expected);  // the optimum of random points is unique
}

TEST(OptimalTransport, IsFarFromTheOriginWhatItIsNearIt) {
  constexpr std::size_t n = 200, dimension = 6;
  const auto x = normal_points(n, dimension, 5, 1, 1000), y = normal_points(n, dimension, 6, 1, -1000);
  expect_optimal(x, y, dimension, optimal_transport(x, y, dimension));
}

TEST(OptimalTransport, EndsOnEqualPoints) {
  const std::vector<float> same(50 * 3, 1.25f);
  expect_optimal(same, same, 3, optimal_transport(same, same, 3));
  auto x = normal_points(60, 3, 8), y = x;
  std::copy_n(x.begin(), 90, x.begin() + 90);  // every point twice
  std::copy_n(y.begin(), 90, y.begin() + 90);
  const auto found = optimal_transport(x, y, 3);
  expect_optimal(x, y, 3, found);
  EXPECT_EQ(found.mean_squared_distance, 0);
}

TEST(OptimalTransport, DoesNotDependOnThreads) {
  const auto x = normal_points(300, 9, 1), y = normal_points(300, 9, 2);
  const auto found = optimal_transport(x, y, 9);
  set_thread_count(3);
  const auto threaded = optimal_transport(x, y, 9);
  set_thread_count(0);
  EXPECT_EQ(found.target_of_source, threaded.target_of_source);
  EXPECT_EQ(found.source_potential, threaded.source_potential);
}

TEST(OptimalTransport, RefusesWhatIsNoPairOfSets) {
  const auto x = normal_points(4, 3, 1);
  auto y = x;
  EXPECT_TRUE(optimal_transport({}, {}, 3).target_of_source.empty());
  EXPECT_THROW(optimal_transport(x, std::span(y).first(9), 3), InputError);
  EXPECT_THROW(optimal_transport(x, y, 5), InputError);
  EXPECT_THROW(optimal_transport(x, y, 0), InputError);
  y[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT([&] { optimal_transport(x, y, 3); },
              testing::ThrowsMessage<InputError>(testing::HasSubstr("coordinate 1 of target point 2 is nan")));
}

}  // namespace
}  // namespace boltzflow
