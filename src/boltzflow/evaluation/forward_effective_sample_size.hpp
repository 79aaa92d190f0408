// SPDX-License-Identifier: MIT
#pragma once
#include <span>

namespace boltzflow {

/// This returns the effective sample size, as a fraction, seen from samples of the target p: it notices a basin that q
/// has lost, which the reverse one cannot.
///
///     forward ESS = 1 / E_p[p / q] = 1 / ( mean_n(w_n) mean_n(1 / w_n) ),   w_n = exp(log_weight_n), x_n ~ p
///
/// Both tend to the same number for many samples: E_q[(p/q)^2] = E_p[p/q].
///
/// @param log_weight [n_samples] -u(x_n) - log q(x_n) at samples of p; +inf is a sample that q cannot make (the result
/// is 0).
/// @throws InputError if log_weight is empty or holds NaN or -inf.
/// @cite Midgley2023 (FAB).
double forward_effective_sample_size(std::span<const double> log_weight);

}  // namespace boltzflow
