// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace boltzflow {

/// A histogram of weighted values between two limits, with standard errors.
struct WeightedHistogram {
  double minimum = 0, maximum = 0;  ///< bin i holds [minimum + i width, minimum + (i + 1) width)
  std::vector<double> probability;  ///< share of the weight per bin; sums to 1 - outside
  std::vector<double> error;        ///< standard error of probability
  double outside = 0;               ///< share of the weight outside the limits

  double width() const { return (maximum - minimum) / static_cast<double>(probability.size()); }
  double center(std::size_t bin) const { return minimum + (static_cast<double>(bin) + 0.5) * width(); }
};

/// This bins weighted values, with the error that a bootstrap tends to for many replicates (the delta method):
///
///     error_i^2 = sum_b (W_bi - p_i W_b)^2,   W_bi = sum_{n in block b, bin i} w_n,  W_b = sum_i W_bi,  sum_n w_n = 1
///
/// @param values [n_samples]. @param weight [n_samples] >= 0 with any sum, or empty for equal weights.
/// @param n_blocks > 0: contiguous blocks of correlated values; 0: every value is a block.
/// @throws InputError if there are no values, lengths differ, a value or weight is NaN, all weights are zero, n_blocks
/// is
///         larger than n_samples, n_bins < 1 or the limits are no interval.
WeightedHistogram weighted_histogram(std::span<const double> values, std::span<const double> weight, double minimum,
                                     double maximum, int n_bins, std::size_t n_blocks = 0);

}  // namespace boltzflow
