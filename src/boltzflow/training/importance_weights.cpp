// SPDX-License-Identifier: MIT
#include "boltzflow/training/importance_weights.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

void clip_log_weights(std::span<double> log_weight, double fraction) {
  if (fraction <= 0 || log_weight.empty()) return;
  const auto n_clipped = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(fraction * static_cast<double>(log_weight.size())), 1, std::ssize(log_weight));
  std::vector<double> sorted(log_weight.begin(), log_weight.end());
  std::nth_element(sorted.begin(), sorted.begin() + (n_clipped - 1), sorted.end(), std::greater<>());
  const double threshold = sorted[n_clipped - 1];
  for (double& weight : log_weight) weight = std::min(weight, threshold);
}

double effective_sample_fraction(std::span<const double> log_weight) {
  const double largest = *std::max_element(log_weight.begin(), log_weight.end());
  double sum = 0, squares = 0;
  for (const double value : log_weight) {
    const double weight = std::exp(value - largest);
    sum += weight;
    squares += weight * weight;
  }
  return sum * sum / (static_cast<double>(log_weight.size()) * squares);
}

std::vector<double> normalized_weights(std::span<const double> log_weight) {
  const double log_mean = log_mean_exp(log_weight);
  if (!std::isfinite(log_mean)) throw InputError("importance weights are all zero, infinite or not a number");
  std::vector<double> weights(log_weight.size());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = std::exp(log_weight[i] - log_mean);
  return weights;
}

std::vector<std::uint32_t> systematic_resample(std::span<const double> weight, std::int64_t n, RandomStream& random) {
  double total = 0;
  for (const double w : weight) total += w;
  if (weight.empty() || !(total > 0) || !std::isfinite(total))
    throw InputError("cannot resample: the weights are all zero or not finite");
  const double offset = random.uniform();
  std::vector<std::uint32_t> indices;
  indices.reserve(n);
  double cumulative = 0;
  std::uint32_t last_positive = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    cumulative += weight[i];
    if (weight[i] > 0) last_positive = static_cast<std::uint32_t>(i);
    const double position = cumulative / total * static_cast<double>(n);
    while (std::ssize(indices) < n && static_cast<double>(indices.size()) + offset < position)
      indices.push_back(static_cast<std::uint32_t>(i));
  }
  // Rounding of the cumulative sum may leave the last place open.
  while (std::ssize(indices) < n) indices.push_back(last_positive);
  return indices;
}

void shuffle(std::vector<std::uint32_t>& indices, RandomStream& random) {
  for (std::size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[random.below(i)]);
}

}  // namespace boltzflow
