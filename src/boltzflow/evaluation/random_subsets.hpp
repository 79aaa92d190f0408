// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// This returns n of the given indices without replacement, in random order. @throws InputError if there are fewer.
std::vector<std::uint32_t> random_subset(std::vector<std::uint32_t> indices, std::size_t n, RandomStream stream);

/// This cuts 0 .. n_frames-1 at random into two halves; with n_blocks > 0 contiguous blocks go to a half as a whole.
/// @throws InputError if there are fewer than two frames (blocks).
std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> random_halves(std::size_t n_frames,
                                                                                std::size_t n_blocks,
                                                                                RandomStream stream);

}  // namespace boltzflow
