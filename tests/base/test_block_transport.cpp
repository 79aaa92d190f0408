// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/block_transport.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/transport/optimal_transport.hpp"

namespace boltzflow {
namespace {

constexpr std::size_t dimension = 5, n_points = 1100;

std::vector<float> points(std::uint64_t seed, double scale, double shift) {
  RandomStream random(seed);
  std::vector<float> values(n_points * dimension);
  for (float& v : values) v = static_cast<float>(shift + scale * random.normal());
  return values;
}

TEST(BlockTransport, LiesBetweenItsBoundAndAShrinkingMap) {
  const auto x = points(1, 1, 0), y = points(2, 0.6, 0.5);
  BlockTransportOptions options;
  options.block_size = 200;
  options.n_rounds = 8;
  options.n_bound_points = n_points;  // all: the bound is then no estimate
  const BlockTransport found = block_optimal_transport(x, y, dimension, options);
  auto targets = found.target_of_source;
  std::vector<std::int32_t> all(n_points);
  std::iota(all.begin(), all.end(), 0);
  std::sort(targets.begin(), targets.end());
  EXPECT_EQ(targets, all);
  ASSERT_EQ(found.mean_squared_distance_by_round.size(), 9u);
  const auto& rounds = found.mean_squared_distance_by_round;
  const auto exact = optimal_transport(x, y, dimension);
  for (std::size_t r = 1; r < rounds.size(); ++r) EXPECT_LE(rounds[r], rounds[r - 1] + exact.resolution);
  EXPECT_EQ(found.mean_squared_distance, rounds.back());
  EXPECT_GE(found.mean_squared_distance, exact.mean_squared_distance - exact.resolution);
  // Measured: 1.060 of the exact one before the rounds, 1.005 after eight; the bound 0.89.
  EXPECT_LT(found.mean_squared_distance, 1.02 * exact.mean_squared_distance);
  EXPECT_EQ(found.lower_bound_error, 0);
  EXPECT_LE(found.lower_bound, exact.mean_squared_distance + exact.resolution);
  EXPECT_GT(found.lower_bound, 0.8 * exact.mean_squared_distance);
  // From a sample the bound is an estimate of it.
  options.n_bound_points = 300;
  const BlockTransport sampled = block_optimal_transport(x, y, dimension, options);
  EXPECT_EQ(sampled.target_of_source, found.target_of_source);
  EXPECT_NEAR(sampled.lower_bound, found.lower_bound, 5 * sampled.lower_bound_error);
}

TEST(BlockTransport, OfOneBlockIsTheExactMapAndItsBoundIsTight) {
  const auto x = points(3, 1, 0), y = points(4, 1, 0);
  const auto exact = optimal_transport(x, y, dimension);
  const BlockTransport found = block_optimal_transport(x, y, dimension);
  EXPECT_EQ(found.target_of_source, exact.target_of_source);
  EXPECT_NEAR(found.lower_bound, exact.mean_squared_distance, 2 * exact.resolution);
  EXPECT_EQ(found.mean_squared_distance_by_round.size(), 1u);
}

TEST(BlockTransport, DoesNotDependOnThreads) {
  const auto x = points(5, 1, 0), y = points(6, 1, 0);
  BlockTransportOptions options;
  options.block_size = 300;
  options.n_bound_points = 100;
  const BlockTransport once = block_optimal_transport(x, y, dimension, options);
  set_thread_count(3);
  const BlockTransport threaded = block_optimal_transport(x, y, dimension, options);
  set_thread_count(0);
  EXPECT_EQ(once.target_of_source, threaded.target_of_source);
  EXPECT_EQ(once.lower_bound, threaded.lower_bound);
}

TEST(BlockTransport, RefusesWhatIsNoScheme) {
  const auto x = points(7, 1, 0);
  BlockTransportOptions options;
  options.block_size = 0;
  EXPECT_THROW(block_optimal_transport(x, x, dimension, options), InputError);
  options.block_size = 10;
  options.n_rounds = -1;
  EXPECT_THROW(block_optimal_transport(x, x, dimension, options), InputError);
  EXPECT_THROW(block_optimal_transport(x, std::span(x).first(5), dimension), InputError);
  EXPECT_TRUE(block_optimal_transport({}, {}, dimension).target_of_source.empty());
}

}  // namespace
}  // namespace boltzflow
