// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace boltzflow {

/// This returns the logarithms of importance weights of samples of q for the target p ~ exp(-u).
///
///     log w_n = -u(x_n) - log q(x_n)
///
/// @param log_prob [n_samples] log q(x_n), finite.
/// @param reduced_energy [n_samples] u(x_n) = U / RT; +inf is a weight of zero.
/// @throws InputError if the lengths differ, both are empty, or a value is NaN (or infinite with the wrong sign).
std::vector<double> log_importance_weights(std::span<const double> log_prob, std::span<const double> reduced_energy);

/// This returns the number of weights that clipping touches: floor(clip_fraction n_samples).
std::size_t clipped_count(std::size_t n_samples, double clip_fraction);

/// This sets the largest clipped_count() weights to the smallest among them. Fewer than two of them change nothing: the
/// literature's 1e-4 begins to act at 20,000 samples.
///
/// @param log_weight [n_samples], any additive constant; -inf is a weight of zero.
/// @throws InputError if log_weight is empty, holds NaN or +inf, or clip_fraction is not in [0, 1).
/// Cost O(n_samples). @cite Schopmans2025 (TA-BG), evaluation.
std::vector<double> clip_log_weights(std::span<const double> log_weight, double clip_fraction);

/// This returns w_n / sum_m w_m.
/// @throws InputError as clip_log_weights(), and if all weights are zero.
std::vector<double> normalized_weights(std::span<const double> log_weight);

/// This is how many independent samples a weighted set is worth.
struct EffectiveSampleSize {
  double count;     ///< (sum_n w_n)^2 / sum_n w_n^2, in [1, n_samples]
  double fraction;  ///< count / n_samples
};

/// This returns Kish's effective sample size of importance weights.
///
///     ESS = (sum_n w_n)^2 / sum_n w_n^2,   w_n = exp(log_weight_n)
///
/// @param log_weight [n_samples], any additive constant; -inf is a weight of zero.
/// @param clip_fraction see clip_log_weights(); the literature uses 1e-4.
/// @throws InputError if log_weight is empty, holds NaN or +inf, or all weights are zero.
/// Numerics: sums in float64 after subtracting the largest log_weight; never overflows. Cost O(n_samples).
/// @cite Kish1965; clipping as in Schopmans2025 (TA-BG), evaluation.
EffectiveSampleSize effective_sample_size(std::span<const double> log_weight, double clip_fraction = 0.0);

/// @throws InputError if log_weight is empty, holds NaN or +inf (naming the first index), or all weights are zero.
void require_log_weights(std::span<const double> log_weight);

}  // namespace boltzflow
