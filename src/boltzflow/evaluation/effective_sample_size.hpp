// SPDX-License-Identifier: MIT
#pragma once
#include <span>

namespace boltzflow {

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
/// @param clip_fraction the largest clip_fraction n_samples weights are set to the smallest among them
///        before the sums (the literature uses 1e-4); 0 clips nothing.
/// @throws InputError if log_weight is empty, holds NaN or +inf, or all weights are zero.
/// Numerics: sums in float64 after subtracting the largest log_weight; never overflows. Cost O(n_samples).
/// @cite Kish1965; clipping as in Schopmans2025 (TA-BG), evaluation.
EffectiveSampleSize effective_sample_size(std::span<const double> log_weight, double clip_fraction = 0.0);

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
