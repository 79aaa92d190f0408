// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "boltzflow/base/log_mean_exp.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// Sets the largest `fraction` of the log weights (at least one, if fraction > 0) to the smallest among them.
/// Clipping as in Schopmans2025 (TA-BG), where fraction is 1e-4.
void clip_log_weights(std::span<double> log_weight, double fraction);

/// Kish's effective sample size as a fraction of n: (sum w)^2 / (n sum w^2), w = exp(log_weight).
double effective_sample_fraction(std::span<const double> log_weight);

/// exp(log_weight), scaled to mean 1. @throws InputError if all weights are zero or one is not a number.
std::vector<double> normalized_weights(std::span<const double> log_weight);

/// Draws n indices with expected multiplicities n w_i / sum w: systematic resampling, one random number, so that every
/// multiplicity is within 1 of its expectation. The indices come in rising order.
std::vector<std::uint32_t> systematic_resample(std::span<const double> weight, std::int64_t n, RandomStream& random);

/// A uniformly random order (Fisher and Yates).
void shuffle(std::vector<std::uint32_t>& indices, RandomStream& random);

}  // namespace boltzflow
