// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/forward_effective_sample_size.hpp"

#include <cmath>

#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/evaluation/log_partition_function.hpp"

namespace boltzflow {

double forward_effective_sample_size(std::span<const double> log_weight) {
  const double log_mean_inverse = -log_partition_function_forward(log_weight);  // checks the input
  const double log_mean = log_mean_exp(log_weight);
  return std::exp(-log_mean - log_mean_inverse);
}

}  // namespace boltzflow
