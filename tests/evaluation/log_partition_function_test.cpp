// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/log_partition_function.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "evaluation/gaussian_problem.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

TEST(LogPartitionFunction, LogMeanExpOfHandComputedValuesNeverOverflows) {
  EXPECT_DOUBLE_EQ(log_mean_exp(std::vector{700.0, 700.0}), 700);
  EXPECT_NEAR(log_mean_exp(std::vector{1e4, 1e4 + std::log(3.0)}), 1e4 + std::log(2.0), 2e-12);  // one ulp of 1e4
  EXPECT_EQ(log_mean_exp(std::vector{-infinity, -infinity}), -infinity);
  EXPECT_EQ(log_mean_exp(std::vector{0.0, infinity}), infinity);
  EXPECT_NEAR(log_mean_exp(std::vector{0.0, -infinity}), -std::log(2.0), 1e-15);
}

TEST(LogPartitionFunction, BothSidesFindTheClosedFormOfGaussians) {
  const GaussianProblem problem;
  const auto forward = problem.log_weights(problem.target_samples(100'000, RandomStream(2)));
  const auto reverse = problem.log_weights(problem.flow_samples(100'000, RandomStream(3)));
  // Standard error sqrt((1/ESS - 1) / N) = 9e-4; six of them, false alarm 2e-9 each.
  EXPECT_NEAR(log_partition_function_reverse(reverse), problem.log_z, 5.4e-3);
  EXPECT_NEAR(log_partition_function_forward(forward), problem.log_z, 5.4e-3);
}

TEST(LogPartitionFunction, IsExactWhereTheFlowIs) {
  const GaussianProblem exact{.log_z = 7.5, .deviation = 1};
  const auto log_weight = exact.log_weights(exact.flow_samples(10, RandomStream(4)));
  EXPECT_NEAR(log_partition_function_reverse(log_weight), 7.5, 1e-13);
  EXPECT_NEAR(log_partition_function_forward(log_weight), 7.5, 1e-13);
}

TEST(LogPartitionFunction, RefusesDegenerateInput) {
  EXPECT_THROW(log_mean_exp({}), InputError);
  EXPECT_THROW(log_mean_exp(std::vector{not_a_number}), InputError);
  EXPECT_THROW(log_partition_function_reverse({}), InputError);
  EXPECT_THROW(log_partition_function_reverse(std::vector{-infinity}), InputError);
  EXPECT_THROW(log_partition_function_reverse(std::vector{infinity}), InputError);
  EXPECT_THROW(log_partition_function_forward({}), InputError);
  EXPECT_THROW(log_partition_function_forward(std::vector{-infinity}), InputError);
  EXPECT_THROW(log_partition_function_forward(std::vector{not_a_number}), InputError);
}

}  // namespace
}  // namespace boltzflow
