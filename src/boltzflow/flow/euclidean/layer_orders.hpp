// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "boltzflow/flow/euclidean/euclidean_flow_options.hpp"

namespace boltzflow {

/// The orders in which the layers of an autoregressive flow take n coordinates or tokens: with masking "alternating"
/// first to last and last to first in turn, with "random" a random permutation and its reverse in turn.
std::vector<std::vector<std::int64_t>> layer_orders(std::int64_t n, const EuclideanFlowOptions& options);

}  // namespace boltzflow
