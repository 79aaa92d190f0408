// SPDX-License-Identifier: MIT
#pragma once
#include <span>

namespace boltzflow {

/// This returns log( 1/N sum_n exp(values_n) ) without overflow; -inf and +inf are what they are.
/// @throws InputError if values is empty or holds NaN.
double log_mean_exp(std::span<const double> values);

}  // namespace boltzflow
