// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/weight_filter.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "boltzflow/base/importance_weights.hpp"

namespace boltzflow {

std::vector<double> drop_largest_log_weights(std::span<const double> log_weight, double drop_fraction) {
  std::vector<double> kept = clip_log_weights(log_weight, 0);  // a copy, checked
  const std::size_t n_dropped = clipped_count(log_weight.size(), drop_fraction);
  if (n_dropped == 0) return kept;
  // By rank, not by value: of equal weights at the threshold just enough go.
  std::vector<std::size_t> order(kept.size());
  std::iota(order.begin(), order.end(), 0);
  std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n_dropped - 1), order.end(),
                   [&](std::size_t i, std::size_t j) {
                     return log_weight[i] != log_weight[j] ? log_weight[i] > log_weight[j] : i < j;
                   });
  for (std::size_t i = 0; i < n_dropped; ++i) kept[order[i]] = -std::numeric_limits<double>::infinity();
  return kept;
}

}  // namespace boltzflow
