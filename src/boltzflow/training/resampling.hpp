// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// Draws n indices with expected multiplicities n w_i / sum w: systematic resampling, one random number, so that every
/// multiplicity is within 1 of its expectation. The indices come in rising order.
std::vector<std::uint32_t> systematic_resample(std::span<const double> weight, std::int64_t n, RandomStream& random);

/// A uniformly random order (Fisher and Yates).
void shuffle(std::vector<std::uint32_t>& indices, RandomStream& random);

}  // namespace boltzflow
