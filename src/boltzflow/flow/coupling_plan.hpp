// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/coupling_layout.hpp"
#include "boltzflow/flow/spline_flow.hpp"

namespace boltzflow {

/// This decides which dimensions every coupling layer of a flow transforms. Layers 2p and 2p + 1 are a pair: the first
/// transforms one half of the dimensions conditioned on the other, the second the reverse, so every dimension is
/// transformed exactly n_couplings / 2 times. Which half comes first alternates from pair to pair.
///
/// masking "random": each field's dimensions are shuffled (seeded by mask_seed and the pair) and split in half; fields
/// of odd
///     size give their extra dimension to the two sides in turn, so the halves differ by one dimension at most.
/// masking "hierarchical": with L distinct levels in ascending order of rank r = 0 .. L-1 and S = ceil(log2 L) scales,
/// pair p
///     is of kind p mod (S + 1). Kind s < S splits by bit s of the rank: alternate levels (s = 0), alternate pairs of
///     levels (s = 1), ..., the upper part of the tree against the lower. Kind S splits every level at random into
///     halves as above, field by field, so that siblings, and the coordinates of one atom, condition each other too.
///
/// After each pair all circular dimensions are shifted by one common scalar, uniform in [0.1, 0.9] and seeded by
/// mask_seed, so that the fixed point of the circular splines at 0 moves; the last shift completes the sum to a whole
/// number of turns, so that a flow of identity splines is the identity.
///
/// @throws InputError for fewer than two dimensions, an odd or non-positive number of couplings, or options out of
/// range.
std::vector<CouplingLayout> coupling_plan(const std::vector<FlowDimension>& dimensions,
                                          const SplineFlowOptions& options);

}  // namespace boltzflow
