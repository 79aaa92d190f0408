// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/effective_sample_size.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "boltzflow/evaluation/importance_weights.hpp"
#include "boltzflow/evaluation/log_partition_function.hpp"

namespace boltzflow {

EffectiveSampleSize effective_sample_size(std::span<const double> log_weight, double clip_fraction) {
  require_log_weights(log_weight);
  const std::vector<double> clipped = clip_log_weights(log_weight, clip_fraction);
  const double largest = *std::max_element(clipped.begin(), clipped.end());
  double sum = 0, sum_of_squares = 0;
  for (const double log_w : clipped) {
    const double w = std::exp(log_w - largest);
    sum += w;
    sum_of_squares += w * w;
  }
  const double count = sum * sum / sum_of_squares;
  return {count, count / static_cast<double>(log_weight.size())};
}

double forward_effective_sample_size(std::span<const double> log_weight) {
  const double log_mean_inverse = -log_partition_function_forward(log_weight);  // checks the input
  const double log_mean = log_mean_exp(log_weight);
  return std::exp(-log_mean - log_mean_inverse);
}

}  // namespace boltzflow
