// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// What a regression of a flow on pairs adds to its squared error (docs/learning-from-data.md): a scalar for "log-det",
/// "forward-backward" and "backward", an undefined tensor for any other kind ("none").
/// @param mapped flow.forward(x0). @param x0, x1 [n, dimension], the pairs.
at::Tensor regression_regularization(const std::string& kind, const Density& flow, const Density::Mapped& mapped,
                                     const at::Tensor& x0, const at::Tensor& x1, ConditionerPrecision precision);

}  // namespace boltzflow
