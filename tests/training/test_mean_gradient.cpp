// SPDX-License-Identifier: MIT
#include "boltzflow/training/mean_gradient.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"
#include "boltzflow/flow/spline_flow.hpp"

namespace boltzflow {
namespace {

constexpr int d = 6;
constexpr std::int64_t n = 101;  // no multiple of a number of threads

struct Result {
  double loss;
  at::Tensor gradient;
  std::vector<std::pair<std::int64_t, std::int64_t>> parts;
};

Result gradient_with(int threads, Density& flow, const at::Tensor& x) {
  const int threads_before = thread_count();
  set_thread_count(threads);
  for (at::Tensor& parameter : flow.parameters()) parameter.mutable_grad() = at::Tensor();
  Result result;
  std::mutex mutex;
  result.loss = backward_of_mean(flow, n, [&](std::int64_t first, std::int64_t count) {
    {
      const std::lock_guard lock(mutex);
      result.parts.emplace_back(first, count);
    }
    return -flow.log_prob(x.narrow(0, first, count), ConditionerPrecision::float32).mean();
  });
  set_thread_count(threads_before);
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : flow.parameters()) gradients.push_back(parameter.grad().reshape(-1).clone());
  result.gradient = at::cat(gradients);
  std::ranges::sort(result.parts);
  return result;
}

TEST(MeanGradient, IsTheSameHoweverManyThreadsShareTheBatch) {
  EuclideanFlowOptions options;
  options.architecture = "nsf-coupling";
  options.n_layers = 4, options.hidden_width = 32, options.n_hidden_layers = 1;
  const std::unique_ptr<Density> flow = make_euclidean_flow(d, options, 3);
  const at::Tensor x = at::linspace(-2, 2, n * d).view({n, d}).sin() * 1.5;
  const Result one = gradient_with(1, *flow, x);
  EXPECT_EQ(one.parts.size(), 1u);
  for (const int threads : {2, 3, 7}) {
    const Result shared = gradient_with(threads, *flow, x);
    ASSERT_EQ(std::ssize(shared.parts), threads);
    std::int64_t end = 0;
    for (const auto& [first, count] : shared.parts) {
      EXPECT_EQ(first, end);
      end += count;
    }
    EXPECT_EQ(end, n);
    EXPECT_NEAR(shared.loss, one.loss, 1e-5);
    EXPECT_LT((shared.gradient - one.gradient).norm().item<double>(), 1e-5 * one.gradient.norm().item<double>());
    const Result again = gradient_with(threads, *flow, x);
    EXPECT_TRUE(again.gradient.equal(shared.gradient));
  }
}

TEST(MeanGradient, LeavesSharingToFlowsThatDoItThemselves) {
  SplineFlowOptions options;
  options.n_couplings = 4, options.hidden_width = 16, options.n_hidden_layers = 1;
  SplineFlow flow({{false, 0, 0}, {true, 0, 0}, {false, 0, 0}, {true, 0, 0}, {true, 0, 0}, {true, 0, 0}}, options, 5);
  const Result result = gradient_with(3, flow, at::linspace(0.1, 0.9, n * d).view({n, d}));
  EXPECT_EQ(result.parts.size(), 1u);
}

}  // namespace
}  // namespace boltzflow
