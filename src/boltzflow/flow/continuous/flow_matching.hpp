// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/flow/continuous/velocity_field.hpp"

namespace boltzflow {

/// This is the loss that trains a velocity field on pairs (x0 from the base density, x1 from the data) without solving
/// an equation: at the minimum over all fields the flow carries the base density to the data's.
///
///     L = 1/(n d) sum_n || v((1 - t) x0 + t x1 + sigma eps, t) - (x1 - x0) ||^2
///
/// The coupling of x0 and x1 is the caller's: independent, or the optimal assignment within a batch, whose paths are
/// straighter. @cite Lipman2023; Tong2024 (couplings, sigma).
/// @param x0, x1 [n, d]; t [n], usually uniform in (0, 1).
/// @param noise sigma eps, [n, d], or undefined: none. It is the caller's too, so that one stream draws all.
/// @returns a scalar, differentiable with respect to the field's parameters; float32 (or the parameters' type).
/// @throws InputError if the shapes do not fit.
at::Tensor flow_matching_loss(const VelocityField& velocity, const at::Tensor& x0, const at::Tensor& x1,
                              const at::Tensor& t, ConditionerPrecision precision, const at::Tensor& noise = {});

}  // namespace boltzflow
