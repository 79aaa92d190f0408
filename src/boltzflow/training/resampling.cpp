// SPDX-License-Identifier: MIT
#include "boltzflow/training/resampling.hpp"

#include <cmath>
#include <utility>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

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
