// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/wasserstein.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

/// The quantile function of a weighted set as a staircase: value_k up to the share cumulative_k.
struct Quantiles {
  std::vector<double> value, cumulative;
};

Quantiles quantiles(std::span<const double> values, std::span<const double> weight) {
  if (values.empty()) throw InputError("a Wasserstein distance needs at least one value on either side");
  if (!weight.empty() && weight.size() != values.size())
    throw InputError(fmt::format("{} weights do not go with {} values", weight.size(), values.size()));
  for (std::size_t n = 0; n < values.size(); ++n)
    if (std::isnan(values[n]) || (!weight.empty() && !(weight[n] >= 0)))
      throw InputError(fmt::format("value {} is {} with weight {}; both must be numbers, the weight not negative", n,
                                   values[n], weight.empty() ? 1.0 : weight[n]));
  Quantiles result;
  double sum = 0;
  const auto add = [&](std::size_t n) {
    const double w = weight.empty() ? 1.0 : weight[n];
    if (w == 0) return;
    result.value.push_back(values[n]);
    result.cumulative.push_back(sum += w);
  };
  if (std::is_sorted(values.begin(), values.end()))
    for (std::size_t n = 0; n < values.size(); ++n) add(n);
  else
    for (const std::size_t n : sorting_order(values)) add(n);
  if (!(sum > 0)) throw InputError("all weights are zero; there is nothing to compare");
  for (double& c : result.cumulative) c /= sum;
  return result;
}

}  // namespace

std::vector<std::size_t> sorting_order(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  return order;
}

double wasserstein_distance(std::span<const double> a, std::span<const double> weight_a, std::span<const double> b,
                            std::span<const double> weight_b, int order) {
  if (order != 1 && order != 2)
    throw InputError(fmt::format("the order of the Wasserstein distance is {}; it must be 1 or 2", order));
  const Quantiles first = quantiles(a, weight_a), second = quantiles(b, weight_b);
  double sum = 0, done = 0;
  for (std::size_t i = 0, j = 0; i < first.value.size() && j < second.value.size();) {
    const double next = std::min(first.cumulative[i], second.cumulative[j]);
    if (next > done && first.value[i] != second.value[j]) {  // equal infinities are no distance apart
      const double distance = std::abs(first.value[i] - second.value[j]);
      sum += (next - done) * (order == 1 ? distance : distance * distance);
    }
    done = std::max(done, next);
    const bool first_ends = first.cumulative[i] <= next, second_ends = second.cumulative[j] <= next;
    i += first_ends;
    j += second_ends;
  }
  return order == 1 ? sum : std::sqrt(sum);
}

}  // namespace boltzflow
