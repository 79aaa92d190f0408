// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/log_partition_function.hpp"

#include <fmt/format.h>

#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/importance_weights.hpp"
#include "boltzflow/base/log_mean_exp.hpp"

namespace boltzflow {

double log_partition_function_reverse(std::span<const double> log_weight) {
  require_log_weights(log_weight);
  return log_mean_exp(log_weight);
}

double log_partition_function_forward(std::span<const double> log_weight) {
  std::vector<double> negative(log_weight.size());
  for (std::size_t n = 0; n < negative.size(); ++n) {
    if (!(log_weight[n] > -std::numeric_limits<double>::infinity()))
      throw InputError(fmt::format("log weight {} of the reference is {}; a sample of the target has a finite energy",
                                   n, log_weight[n]));
    negative[n] = -log_weight[n];
  }
  return -log_mean_exp(negative);
}

}  // namespace boltzflow
