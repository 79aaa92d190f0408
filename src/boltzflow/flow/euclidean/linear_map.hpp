// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include "boltzflow/flow/conditioner_precision.hpp"

namespace boltzflow {

/// Whether the result of a bfloat16 product is bfloat16 (a hidden layer's is: the next product rounds its operand
/// anyway, and adding it to a float32 tensor gives float32) or accumulated and kept in the parameters' type (what the
/// flow uses is).
enum class ProductResult { hidden, output };

/// W [n_outputs, n_inputs] x [n_inputs, n_samples] + b [n_outputs]: points feature-major. bfloat16 rounds both
/// operands; split_bfloat16 is float32 here. x may be of the parameters' type or bfloat16.
at::Tensor linear_of_columns(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                             ConditionerPrecision precision, ProductResult result);
/// x [..., n_inputs] W^T + b: points (or tokens) in rows. b may be undefined.
at::Tensor linear_of_rows(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                          ConditionerPrecision precision, ProductResult result);

/// Largest coordinate, in standard deviations, that a network is shown: points far outside the data still get a finite
/// map, and the flow there only shifts and scales by what it does at the bound.
inline constexpr double largest_network_input = 100.0;

}  // namespace boltzflow
