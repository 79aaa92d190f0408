// SPDX-License-Identifier: MIT
#include "boltzflow/flow/parameter_initialization.hpp"

#include <algorithm>
#include <cmath>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

void initialize_parameters(const CouplingLayout& layout, std::uint64_t seed, std::uint64_t layer,
                           std::span<float> parameters) {
  RandomStream random = RandomStream(seed).child(layer);
  std::ranges::fill(parameters, 0.0f);
  const auto maps = conditioner_layout(layout.conditioner_shape());
  for (std::size_t k = 0; k + 1 < maps.size(); ++k) {
    const float limit = std::sqrt(6.0f / static_cast<float>(maps[k].n_inputs));
    const auto weights =
        parameters.subspan(static_cast<std::size_t>(maps[k].weight_offset),
                           static_cast<std::size_t>(maps[k].n_inputs) * static_cast<std::size_t>(maps[k].n_outputs));
    for (float& weight : weights) weight = limit * (2.0f * random.uniform_float() - 1.0f);
  }
  const auto& output = maps.back();
  const auto n_sizes = static_cast<std::int64_t>(layout.transformed.size()) * 2 * layout.n_bins;
  const auto slopes = parameters.subspan(static_cast<std::size_t>(output.bias_offset + n_sizes),
                                         static_cast<std::size_t>(output.n_outputs - n_sizes));
  std::ranges::fill(slopes, static_cast<float>(std::log(std::expm1(1.0 - layout.minimum_slope))));
}

}  // namespace boltzflow
