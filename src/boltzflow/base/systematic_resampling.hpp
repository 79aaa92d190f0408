// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace boltzflow {

/// This draws n indices, each floor or ceil of n w_i / sum w times (systematic resampling): index i is drawn for every
/// point (k + offset) / n, k = 0 .. n-1, that falls into its share of the weight. Ascending.
/// @param weight >= 0 with any positive sum. @param offset in [0, 1), one uniform random number.
/// @throws InputError if the weights are empty, negative, NaN, or all zero. @cite Kitagawa1996; Douc2005.
std::vector<std::uint32_t> systematic_resampling(std::span<const double> weight, std::size_t n, double offset);

}  // namespace boltzflow
