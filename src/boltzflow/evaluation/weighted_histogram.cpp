// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/weighted_histogram.hpp"

#include <fmt/format.h>

#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

WeightedHistogram weighted_histogram(std::span<const double> values, std::span<const double> weight, double minimum,
                                     double maximum, int n_bins, std::size_t n_blocks) {
  const std::size_t n_samples = values.size(), n_units = n_blocks == 0 ? n_samples : n_blocks;
  if (n_samples == 0) throw InputError("there are no values to bin");
  if (!weight.empty() && weight.size() != n_samples)
    throw InputError(fmt::format("{} weights do not go with {} values", weight.size(), n_samples));
  if (n_units > n_samples) throw InputError(fmt::format("{} values cannot be cut into {} blocks", n_samples, n_blocks));
  if (n_bins < 1 || !(minimum < maximum))
    throw InputError(fmt::format("{} bins from {} to {} are no histogram", n_bins, minimum, maximum));
  const auto bins = static_cast<std::size_t>(n_bins);
  double total = 0;
  for (std::size_t n = 0; n < n_samples; ++n) {
    const double w = weight.empty() ? 1.0 : weight[n];
    if (std::isnan(values[n]) || !(w >= 0))
      throw InputError(
          fmt::format("value {} is {} with weight {}; both must be numbers, the weight not negative", n, values[n], w));
    total += w;
  }
  if (!(total > 0)) throw InputError("all weights are zero; there is nothing to bin");

  WeightedHistogram result{minimum, maximum, std::vector<double>(bins), std::vector<double>(bins), 0};
  // Sums over blocks of W_bi^2, W_bi W_b and W_b^2; the last bin is outside.
  std::vector<double> sum(bins + 1), squares(bins + 1), products(bins + 1), in_block(bins + 1);
  double block_squares = 0;
  std::vector<std::size_t> touched;
  for (std::size_t unit = 0; unit < n_units; ++unit) {
    const std::size_t begin = n_samples * unit / n_units, end = n_samples * (unit + 1) / n_units;
    double block_weight = 0;
    touched.clear();
    for (std::size_t n = begin; n < end; ++n) {
      const double w = (weight.empty() ? 1.0 : weight[n]) / total;
      const double place = (values[n] - minimum) / (maximum - minimum) * n_bins;
      const std::size_t bin = place >= 0 && place < n_bins ? static_cast<std::size_t>(place) : bins;
      if (in_block[bin] == 0 && w > 0) touched.push_back(bin);
      in_block[bin] += w;
      block_weight += w;
    }
    for (const std::size_t bin : touched) {
      sum[bin] += in_block[bin];
      squares[bin] += in_block[bin] * in_block[bin];
      products[bin] += in_block[bin] * block_weight;
      in_block[bin] = 0;
    }
    block_squares += block_weight * block_weight;
  }
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const double p = result.probability[bin] = sum[bin];
    result.error[bin] = std::sqrt(std::max(0.0, squares[bin] - 2 * p * products[bin] + p * p * block_squares));
  }
  result.outside = sum[bins];
  return result;
}

}  // namespace boltzflow
