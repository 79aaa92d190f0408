// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/linear_map.hpp"

#include <ATen/ATen.h>

namespace boltzflow {
namespace {

at::Tensor rounded(const at::Tensor& x, at::ScalarType type) { return x.to(at::kBFloat16).to(type); }

}  // namespace

at::Tensor linear_of_columns(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                             ConditionerPrecision precision, ProductResult result) {
  const at::ScalarType type = weight.scalar_type();
  if (precision != ConditionerPrecision::bfloat16) return at::addmm(bias.unsqueeze(1), weight, x);
  if (result == ProductResult::output) return at::addmm(bias.unsqueeze(1), rounded(weight, type), rounded(x, type));
  return at::addmm(bias.to(at::kBFloat16).unsqueeze(1), weight.to(at::kBFloat16), x.to(at::kBFloat16));
}

at::Tensor linear_of_rows(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                          ConditionerPrecision precision, ProductResult result) {
  const at::ScalarType type = weight.scalar_type();
  if (precision != ConditionerPrecision::bfloat16) return at::linear(x, weight, bias);
  if (result == ProductResult::output) return at::linear(rounded(x, type), rounded(weight, type), bias);
  return at::linear(x.to(at::kBFloat16), weight.to(at::kBFloat16), bias.defined() ? bias.to(at::kBFloat16) : bias);
}

}  // namespace boltzflow
