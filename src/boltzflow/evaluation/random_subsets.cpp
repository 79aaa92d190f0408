// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/random_subsets.hpp"

#include <fmt/format.h>

#include <numeric>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

std::vector<std::uint32_t> random_subset(std::vector<std::uint32_t> indices, std::size_t n, RandomStream stream) {
  if (n > indices.size()) throw InputError(fmt::format("{} of {} points were to be drawn", n, indices.size()));
  for (std::size_t i = 0; i < n; ++i) std::swap(indices[i], indices[i + stream.below(indices.size() - i)]);
  indices.resize(n);
  return indices;
}

std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> random_halves(std::size_t n_frames,
                                                                                std::size_t n_blocks,
                                                                                RandomStream stream) {
  const std::size_t n_units = n_blocks == 0 ? n_frames : n_blocks;
  if (n_units < 2 || n_units > n_frames)
    throw InputError(fmt::format("{} frames in {} blocks cannot be cut into halves", n_frames, n_blocks));
  std::vector<std::uint32_t> units(n_units);
  std::iota(units.begin(), units.end(), 0);
  units = random_subset(std::move(units), n_units, stream);
  std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> halves;
  for (std::size_t i = 0; i < n_units; ++i) {
    auto& half = i < n_units / 2 ? halves.first : halves.second;
    for (std::size_t n = n_frames * units[i] / n_units; n < n_frames * (units[i] + 1) / n_units; ++n)
      half.push_back(static_cast<std::uint32_t>(n));
  }
  return halves;
}

}  // namespace boltzflow
