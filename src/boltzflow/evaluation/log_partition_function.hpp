// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include "boltzflow/base/log_mean_exp.hpp"

namespace boltzflow {

/// This estimates log Z = log int exp(-u(x)) dx from samples of q; biased low, by about (1/ESS - 1) / (2 N).
///
///     log Z = log mean_n w_n,   log w_n = -u(x_n) - log q(x_n),   x_n ~ q
///
/// @param log_weight [n_samples]; -inf is a weight of zero.
/// @throws InputError if log_weight is empty, holds NaN or +inf, or all weights are zero.
double log_partition_function_reverse(std::span<const double> log_weight);

/// This estimates log Z from samples of the target p; a basin that q has lost makes it too large.
///
///     log Z = -log mean_n (1 / w_n),   x_n ~ p
///
/// @param log_weight [n_samples]; +inf is a sample that q cannot make.
/// @throws InputError if log_weight is empty or holds NaN or -inf.
double log_partition_function_forward(std::span<const double> log_weight);

}  // namespace boltzflow
