// SPDX-License-Identifier: MIT
#include "boltzflow/training/resampling.hpp"

#include <utility>

#include "boltzflow/base/systematic_resampling.hpp"

namespace boltzflow {

std::vector<std::uint32_t> systematic_resample(std::span<const double> weight, std::int64_t n, RandomStream& random) {
  return systematic_resampling(weight, static_cast<std::size_t>(n), random.uniform());
}

void shuffle(std::vector<std::uint32_t>& indices, RandomStream& random) {
  for (std::size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[random.below(i)]);
}

}  // namespace boltzflow
