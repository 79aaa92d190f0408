// SPDX-License-Identifier: MIT
#include "boltzflow/base/importance_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void require_no_nan(std::span<const double> log_weight) {
  if (log_weight.empty()) throw InputError("there are no log weights; at least one sample is needed");
  for (std::size_t n = 0; n < log_weight.size(); ++n)
    if (!(log_weight[n] < infinity))
      throw InputError(
          fmt::format("log weight {} is {}; it must be finite, or -inf for a weight of zero", n, log_weight[n]));
}

}  // namespace

std::vector<double> log_importance_weights(std::span<const double> log_prob, std::span<const double> reduced_energy) {
  if (log_prob.size() != reduced_energy.size())
    throw InputError(fmt::format("{} values of log_prob do not go with {} reduced energies", log_prob.size(),
                                 reduced_energy.size()));
  if (log_prob.empty()) throw InputError("there are no samples; at least one is needed");
  std::vector<double> log_weight(log_prob.size());
  for (std::size_t n = 0; n < log_weight.size(); ++n) {
    if (!std::isfinite(log_prob[n]))
      throw InputError(fmt::format("log_prob of sample {} is {}; it must be finite", n, log_prob[n]));
    if (!(reduced_energy[n] > -infinity))
      throw InputError(
          fmt::format("the reduced energy of sample {} is {}; it must be finite or +inf", n, reduced_energy[n]));
    log_weight[n] = -reduced_energy[n] - log_prob[n];
  }
  return log_weight;
}

std::size_t clipped_count(std::size_t n_samples, double clip_fraction) {
  if (!(clip_fraction >= 0 && clip_fraction < 1))
    throw InputError(fmt::format("the clip fraction is {}; it must be in [0, 1)", clip_fraction));
  // The factor keeps 1e-4 of 30,000 at 3: the product itself may round to just below.
  return static_cast<std::size_t>(clip_fraction * static_cast<double>(n_samples) * (1 + 1e-12));
}

std::vector<double> clip_log_weights(std::span<const double> log_weight, double clip_fraction) {
  require_no_nan(log_weight);
  std::vector<double> clipped(log_weight.begin(), log_weight.end());
  const std::size_t n_clipped = clipped_count(log_weight.size(), clip_fraction);
  if (n_clipped < 2) return clipped;
  const auto threshold = clipped.begin() + static_cast<std::ptrdiff_t>(n_clipped - 1);
  std::nth_element(clipped.begin(), threshold, clipped.end(), std::greater<>());
  const double largest = *threshold;
  std::transform(log_weight.begin(), log_weight.end(), clipped.begin(), [&](double w) { return std::min(w, largest); });
  return clipped;
}

std::vector<double> normalized_weights(std::span<const double> log_weight) {
  require_log_weights(log_weight);
  const double largest = *std::max_element(log_weight.begin(), log_weight.end());
  std::vector<double> weight(log_weight.size());
  double sum = 0;
  for (std::size_t n = 0; n < weight.size(); ++n) sum += weight[n] = std::exp(log_weight[n] - largest);
  for (double& w : weight) w /= sum;
  return weight;
}

EffectiveSampleSize effective_sample_size(std::span<const double> log_weight, double clip_fraction) {
  require_log_weights(log_weight);
  const std::vector<double> clipped = clip_log_weights(log_weight, clip_fraction);
  const double largest = *std::max_element(clipped.begin(), clipped.end());
  double sum = 0, sum_of_squares = 0;
  for (const double log_w : clipped) {
    const double w = std::exp(log_w - largest);
    sum += w;
    sum_of_squares += w * w;
  }
  const double count = sum * sum / sum_of_squares;
  return {count, count / static_cast<double>(log_weight.size())};
}

void require_log_weights(std::span<const double> log_weight) {
  require_no_nan(log_weight);
  if (std::all_of(log_weight.begin(), log_weight.end(), [](double w) { return w == -infinity; }))
    throw InputError(fmt::format("all {} weights are zero; no sample has a finite energy", log_weight.size()));
}

}  // namespace boltzflow
