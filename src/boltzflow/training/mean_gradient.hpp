// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// Leaves the gradient of a loss that is a mean over a batch's samples in the flow's parameters, which have none
/// before, and returns the loss. The batch is shared among all threads where the flow's own differentiable passes run
/// on one (flows on R^d on the CPU); the numbers then depend on the number of threads in their last digits.
/// @param mean_over (first, count) -> the loss's mean over these samples; called concurrently, so it may not draw
/// random numbers.
double backward_of_mean(Density& flow, std::int64_t n_samples,
                        const std::function<at::Tensor(std::int64_t first, std::int64_t count)>& mean_over);

}  // namespace boltzflow
