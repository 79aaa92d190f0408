// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

namespace boltzflow {

/// The share of the largest weights that the literature on Cartesian Boltzmann generators leaves out of what is
/// "reweighted" (Tan2025, SBG and later). It makes an ESS look better than it is; state it beside the number.
inline constexpr double literature_drop_fraction = 0.002;

/// This sets the largest log weights to -inf: all above the (1 - drop_fraction) quantile, that is the
/// floor(drop_fraction n_samples) largest. See clip_log_weights() for the milder filter that keeps them.
/// @throws InputError if log_weight is empty, holds NaN or +inf, or drop_fraction is not in [0, 1).
std::vector<double> drop_largest_log_weights(std::span<const double> log_weight, double drop_fraction);

}  // namespace boltzflow
