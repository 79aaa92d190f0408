// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>

#include "boltzflow/flow/coupling_layout.hpp"

namespace boltzflow {

/// Writes a conditioner's initial parameters, in conditioner_layout()'s order: hidden weights uniform with variance
/// 2 / n_inputs, hidden biases 0, and an output map that makes every spline the identity: weights 0, biases of widths
/// and heights 0, those of slopes log(exp(1 - minimum_slope) - 1), which is a slope of 1.
/// @param layer chooses the random stream, so that layers differ.
/// @cite He2015, "Delving deep into rectifiers" (the variance).
void initialize_parameters(const CouplingLayout& layout, std::uint64_t seed, std::uint64_t layer,
                           std::span<float> parameters);

}  // namespace boltzflow
