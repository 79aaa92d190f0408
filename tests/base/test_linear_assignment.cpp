// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/linear_assignment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/transport/reference/linear_assignment.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;

std::vector<float> random_costs(std::size_t n, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<float> cost(n * n);
  for (float& c : cost) c = static_cast<float>(10 * random.normal());
  return cost;
}

double cost_of(std::span<const float> cost, std::span<const std::int32_t> column_of_row) {
  double sum = 0;
  for (std::size_t i = 0; i < column_of_row.size(); ++i)
    sum += static_cast<double>(cost[i * column_of_row.size() + static_cast<std::size_t>(column_of_row[i])]);
  return sum;
}

double least_cost_of_all_permutations(std::span<const float> cost, std::size_t n) {
  std::vector<std::int32_t> permutation(n);
  std::iota(permutation.begin(), permutation.end(), 0);
  double least = std::numeric_limits<double>::infinity();
  do least = std::min(least, cost_of(cost, permutation));
  while (std::next_permutation(permutation.begin(), permutation.end()));
  return least;
}

/// A permutation, feasible duals, and complementary slackness: together they prove that the cost is the least.
void expect_optimal(std::span<const float> cost, std::size_t n, const LinearAssignment& found) {
  std::vector<std::int32_t> columns = found.column_of_row, all(n);
  std::iota(all.begin(), all.end(), 0);
  std::sort(columns.begin(), columns.end());
  ASSERT_EQ(columns, all);
  const double largest =
      std::abs(*std::max_element(cost.begin(), cost.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
  const double tolerance = found.resolution * (1 + 1e-6) + 1e-14 * largest;  // and the rounding of this very check
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j)
      ASSERT_LE(found.row_dual[i] + found.column_dual[j], static_cast<double>(cost[i * n + j]) + tolerance);
    const auto j = static_cast<std::size_t>(found.column_of_row[i]);
    ASSERT_GE(found.row_dual[i] + found.column_dual[j], static_cast<double>(cost[i * n + j]) - tolerance);
  }
  EXPECT_NEAR(found.cost, cost_of(cost, found.column_of_row), 1e-12 * static_cast<double>(n) * largest);
}

TEST(LinearAssignment, IsTheBestOfAllPermutations) {
  for (std::size_t n = 1; n <= 7; ++n)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto cost = random_costs(n, 100 * n + seed);
      const auto found = linear_assignment(cost, n);
      expect_optimal(cost, n, found);
      EXPECT_NEAR(found.cost, least_cost_of_all_permutations(cost, n),
                  2 * static_cast<double>(n) * found.resolution + 1e-12)
          << "n " << n << " seed " << seed;
    }
}

TEST(LinearAssignment, AgreesWithTheReferenceAndProvesItselfOnEveryInstructionSet) {
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > best_instruction_set()) continue;
    force_instruction_set(set);
    for (const std::size_t n : {15, 16, 17, 63, 200, 301}) {
      const auto cost = random_costs(n, n);
      const auto found = linear_assignment(cost, n);
      expect_optimal(cost, n, found);
      const std::vector<double> wide(cost.begin(), cost.end());
      EXPECT_NEAR(found.cost, cost_of(cost, transport::reference::linear_assignment(wide, n)),
                  2 * static_cast<double>(n) * found.resolution + 1e-11);
    }
  }
  force_instruction_set(best_instruction_set());
}

// Structure on which greedy starts fail: the product matrix c_ij = i j, whose best assignment is the reversal, keeps
// every row wanting the same column; Jonker and Volgenant's hard case.
TEST(LinearAssignment, UnravelsRowsThatAllWantTheSameColumn) {
  constexpr std::size_t n = 300;
  std::vector<float> cost(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) cost[i * n + j] = static_cast<float>(i * j);
  const auto found = linear_assignment(cost, n);
  expect_optimal(cost, n, found);
  for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(found.column_of_row[i], static_cast<std::int32_t>(n - 1 - i));
}

TEST(LinearAssignment, EndsOnEqualCosts) {
  for (const std::size_t n : {1, 2, 40}) {
    const std::vector<float> equal(n * n, 3.5f);
    const auto found = linear_assignment(equal, n);
    expect_optimal(equal, n, found);
    EXPECT_EQ(found.resolution, 0);
  }
  // Few distinct values: nearly everything is a tie.
  constexpr std::size_t n = 150;
  std::vector<float> coarse = random_costs(n, 3);
  for (float& c : coarse) c = std::round(c / 10);
  expect_optimal(coarse, n, linear_assignment(coarse, n));
}

TEST(LinearAssignment, KeepsItsPromiseOverTwelveDecades) {
  constexpr std::size_t n = 60;
  std::vector<float> cost = random_costs(n, 5);
  for (std::size_t j = 0; j < n; ++j) cost[7 * n + j] += 1e12f;
  const auto found = linear_assignment(cost, n);
  expect_optimal(cost, n, found);
  EXPECT_NEAR(found.resolution, 1e12 * 0x1p-29, 1e12 * 0x1p-33);
}

TEST(LinearAssignment, OfNothingIsNothing) {
  const auto found = linear_assignment(std::vector<float>{}, 0);
  EXPECT_TRUE(found.column_of_row.empty());
  EXPECT_EQ(found.cost, 0);
}

TEST(LinearAssignment, NamesTheCostThatIsNoNumber) {
  std::vector<float> cost = random_costs(20, 1);
  cost[3 * 20 + 4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT([&] { linear_assignment(cost, 20); },
              testing::ThrowsMessage<InputError>(testing::HasSubstr("row 3 and column 4 is nan")));
  cost[3 * 20 + 4] = std::numeric_limits<float>::infinity();
  EXPECT_THROW(linear_assignment(cost, 20), InputError);
  EXPECT_THROW(linear_assignment(std::span(cost).first(399), 20), InputError);
}

}  // namespace
}  // namespace boltzflow
