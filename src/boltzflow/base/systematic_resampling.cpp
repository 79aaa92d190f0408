// SPDX-License-Identifier: MIT
#include "boltzflow/base/systematic_resampling.hpp"

#include <fmt/format.h>

#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

std::vector<std::uint32_t> systematic_resampling(std::span<const double> weight, std::size_t n, double offset) {
  double sum = 0;
  std::size_t last = weight.size();
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (!(weight[i] >= 0 && std::isfinite(weight[i])))
      throw InputError(fmt::format("weight {} is {}; it must be finite and not negative", i, weight[i]));
    if (weight[i] > 0) last = i;
    sum += weight[i];
  }
  if (!(sum > 0)) throw InputError("all weights are zero; there is nothing to draw from");
  std::vector<std::uint32_t> drawn;
  drawn.reserve(n);
  double cumulative = 0;
  for (std::size_t i = 0; i <= last && drawn.size() < n; ++i) {
    cumulative += weight[i];
    const double end = i == last ? static_cast<double>(n) : static_cast<double>(n) * (cumulative / sum);
    while (drawn.size() < n && static_cast<double>(drawn.size()) + offset < end)
      drawn.push_back(static_cast<std::uint32_t>(i));
  }
  return drawn;
}

}  // namespace boltzflow
