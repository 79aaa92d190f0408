// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/conditioner_network.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "boltzflow/flow/euclidean/linear_map.hpp"

namespace boltzflow {

ConditionerNetwork::ConditionerNetwork(const ConditionerNetworkShape& shape, const std::vector<float>& output_bias,
                                       FlowTensors& tensors)
    : residual_(shape.residual) {
  const std::int64_t width = shape.hidden_width;
  const auto add_hidden = [&](std::int64_t n_inputs) {
    const at::Tensor weight = tensors.uniform_weights(width, n_inputs);
    hidden_.push_back({weight, tensors.filled({width}, 0)});
  };
  add_hidden(shape.n_inputs);
  const std::int64_t n_more = residual_ ? 2 * shape.n_hidden_layers : shape.n_hidden_layers - 1;
  for (std::int64_t k = 0; k < n_more; ++k) add_hidden(width);
  output_ = {tensors.filled({shape.n_outputs, width}, 0), tensors.filled({shape.n_outputs}, 0)};
  const c10::NoGradGuard no_grad;
  output_.bias.copy_(at::tensor(output_bias));
}

at::Tensor ConditionerNetwork::operator()(const at::Tensor& x, ConditionerPrecision precision) const {
  const auto apply = [&](const Linear& linear, const at::Tensor& input) {
    return linear_of_columns(linear.weight, linear.bias, input, precision, ProductResult::hidden);
  };
  at::Tensor h = apply(hidden_.front(), x);
  if (residual_) h = h.to(x.scalar_type());  // sums of blocks are not rounded
  for (std::size_t k = 1; k < hidden_.size(); ++k) {
    if (residual_) {
      const at::Tensor inner = apply(hidden_[k], at::silu(h));
      h = h + apply(hidden_[++k], at::silu(inner));
    } else {
      h = apply(hidden_[k], at::silu(h));
    }
  }
  return linear_of_columns(output_.weight, output_.bias, at::silu(h), precision, ProductResult::output);
}

}  // namespace boltzflow
