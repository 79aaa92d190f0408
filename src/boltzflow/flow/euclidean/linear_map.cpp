// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/linear_map.hpp"

#include <ATen/ATen.h>

namespace boltzflow {
namespace {

at::Tensor rounded(const at::Tensor& x) { return x.to(at::kBFloat16).to(x.scalar_type()); }

}  // namespace

at::Tensor linear_of_columns(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                             ConditionerPrecision precision, ProductResult result) {
  at::Tensor product;
  if (precision != ConditionerPrecision::bfloat16) {
    if (bias.defined()) return at::addmm(bias.unsqueeze(1), weight, x);
    return at::mm(weight, x);
  }
  if (result == ProductResult::hidden)
    product = at::mm(weight.to(at::kBFloat16), x.to(at::kBFloat16)).to(x.scalar_type());
  else
    product = at::mm(rounded(weight), rounded(x));
  return bias.defined() ? product + bias.unsqueeze(1) : product;
}

at::Tensor linear_of_rows(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                          ConditionerPrecision precision, ProductResult result) {
  if (precision != ConditionerPrecision::bfloat16) return at::linear(x, weight, bias);
  at::Tensor product;
  if (result == ProductResult::hidden)
    product = at::linear(x.to(at::kBFloat16), weight.to(at::kBFloat16)).to(x.scalar_type());
  else
    product = at::linear(rounded(x), rounded(weight));
  return bias.defined() ? product + bias : product;
}

}  // namespace boltzflow
