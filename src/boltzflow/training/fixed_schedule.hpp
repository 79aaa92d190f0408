// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstdint>
#include <string>

namespace boltzflow {

/// The exponent beta_i of the target after i of n_steps steps of an annealing without constraints: "linear" i /
/// n_steps; "geometric" from 1e-4 after the first step to 1 after the last by equal factors. beta_0 = 0.
inline double beta_of_schedule(const std::string& schedule, std::int64_t i, std::int64_t n_steps) {
  if (i <= 0) return 0;
  if (i >= n_steps) return 1;
  if (schedule == "linear") return static_cast<double>(i) / static_cast<double>(n_steps);
  return std::pow(1e-4, static_cast<double>(n_steps - i) / static_cast<double>(n_steps - 1));
}

/// The multiplier lambda_i that takes q_i ~ q_0^{1-beta_i} p~^{beta_i} to the next such distribution,
/// (1 - beta_{i+1}) = (1 - beta_i) lambda_i / (1 + lambda_i).
inline double lambda_of_schedule(const std::string& schedule, std::int64_t i, std::int64_t n_steps) {
  const double beta = beta_of_schedule(schedule, i, n_steps), next = beta_of_schedule(schedule, i + 1, n_steps);
  return next > beta ? (1 - next) / (next - beta) : 0;
}

}  // namespace boltzflow
