// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/masked_network.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "boltzflow/flow/euclidean/linear_map.hpp"

namespace boltzflow {
namespace {

/// A row sees only part of its inputs: its weights grow so that its variance is that of a row that sees all.
void scale_to_seen(const at::Tensor& weight, const at::Tensor& mask) {
  const c10::NoGradGuard no_grad;
  const at::Tensor seen = at::clamp_min(mask.sum(1, true), 1);
  weight.mul_(at::sqrt(static_cast<double>(mask.size(1)) / seen));
}

}  // namespace

MaskedNetwork::MaskedNetwork(const MaskedNetworkShape& shape, FlowTensors& tensors)
    : dimension_(shape.dimension), n_parameters_(std::ssize(shape.identity_parameters)) {
  const std::int64_t width = shape.hidden_width, d = dimension_;
  const at::Tensor unit = at::arange(width, at::kLong), coordinate = at::arange(d, at::kLong);
  const at::Tensor degree = 1 + (unit * (d - 1)).div(width, "floor");
  for (std::int64_t m = 0; m < d; ++m) units_up_to_.push_back((degree <= m).sum().item<std::int64_t>());
  const at::Tensor degree_of_row = degree.unsqueeze(1);
  input_mask_ = tensors.constant((coordinate < degree_of_row).to(at::kFloat));
  hidden_mask_ = tensors.constant((degree <= degree_of_row).to(at::kFloat));
  output_mask_ = tensors.constant((degree <= coordinate.repeat_interleave(n_parameters_).unsqueeze(1)).to(at::kFloat));

  const auto add_hidden = [&](const at::Tensor& mask) {
    const at::Tensor weight = tensors.uniform_weights(width, mask.size(1));
    scale_to_seen(weight, mask);
    hidden_.push_back({weight, tensors.filled({width}, 0)});
  };
  add_hidden(input_mask_);
  for (std::int64_t k = 0; k < 2 * shape.n_hidden_layers; ++k) add_hidden(hidden_mask_);
  const at::Tensor weight = tensors.filled({d * n_parameters_, width}, 0);
  output_ = {weight, tensors.filled({d * n_parameters_}, 0)};
  const c10::NoGradGuard no_grad;
  output_.bias.copy_(at::tensor(shape.identity_parameters).repeat({d}));
}

MaskedNetwork::Masked MaskedNetwork::masked() const {
  Masked result;
  for (std::size_t k = 0; k < hidden_.size(); ++k)
    result.hidden.push_back({hidden_[k].weight * (k == 0 ? input_mask_ : hidden_mask_), hidden_[k].bias});
  result.output = {output_.weight * output_mask_, output_.bias};
  return result;
}

at::Tensor MaskedNetwork::features(const Masked& weights, const at::Tensor& x, ConditionerPrecision precision) const {
  const auto apply = [&](const Linear& linear, const at::Tensor& input) {
    return linear_of_columns(linear.weight, linear.bias, input, precision, ProductResult::hidden);
  };
  at::Tensor h = apply(weights.hidden.front(), at::clamp(x, -largest_network_input, largest_network_input));
  h = h.to(x.scalar_type());  // sums of blocks are not rounded
  for (std::size_t k = 1; k < weights.hidden.size(); k += 2)
    h = h + apply(weights.hidden[k + 1], at::silu(apply(weights.hidden[k], at::silu(h))));
  return at::silu(h);
}

at::Tensor MaskedNetwork::operator()(const at::Tensor& x, ConditionerPrecision precision) const {
  const Masked weights = masked();
  return linear_of_columns(weights.output.weight, weights.output.bias, features(weights, x, precision), precision,
                           ProductResult::output);
}

at::Tensor MaskedNetwork::parameters_of(const Masked& weights, std::int64_t i, const at::Tensor& x,
                                        ConditionerPrecision precision) const {
  return linear_of_columns(weights.output.weight.narrow(0, i * n_parameters_, n_parameters_),
                           weights.output.bias.narrow(0, i * n_parameters_, n_parameters_),
                           features(weights, x, precision), precision, ProductResult::output);
}

MaskedNetwork::Sequential::Sequential(const MaskedNetwork& network, const at::Tensor& like,
                                      ConditionerPrecision precision)
    : network_(network), precision_(precision), weights_(network.masked()) {
  const std::int64_t width = weights_.output.weight.size(1);
  for (std::size_t k = 0; k < weights_.hidden.size(); ++k)
    activations_.push_back(at::empty({width, like.size(1)}, like.options()));
}

at::Tensor MaskedNetwork::Sequential::parameters_of(std::int64_t i, const at::Tensor& x) {
  const std::int64_t begin = i == 0 ? 0 : network_.units_up_to_[static_cast<std::size_t>(i - 1)],
                     end = network_.units_up_to_[static_cast<std::size_t>(i)];
  // The units of degree i: all of theirs is known now.
  const auto new_units = [&](const Linear& linear, const at::Tensor& input, std::int64_t n_inputs) {
    return linear_of_columns(linear.weight.narrow(0, begin, end - begin).narrow(1, 0, n_inputs),
                             linear.bias.narrow(0, begin, end - begin), input.narrow(0, 0, n_inputs), precision_,
                             ProductResult::hidden);
  };
  if (end > begin) {
    at::Tensor h = new_units(weights_.hidden.front(),
                             at::clamp(x.narrow(0, 0, i), -largest_network_input, largest_network_input), i)
                       .to(x.scalar_type());
    const auto activate = [&](std::size_t layer, const at::Tensor& value) {
      activations_[layer].narrow(0, begin, end - begin).copy_(at::silu(value));
    };
    for (std::size_t k = 1; k < weights_.hidden.size(); k += 2) {
      activate(k - 1, h);
      activate(k, new_units(weights_.hidden[k], activations_[k - 1], end));
      h = h + new_units(weights_.hidden[k + 1], activations_[k], end);
    }
    activate(weights_.hidden.size() - 1, h);
  }
  const std::int64_t p = network_.n_parameters_;
  const at::Tensor bias = weights_.output.bias.narrow(0, i * p, p);
  if (end == 0) return bias.unsqueeze(1).expand({p, x.size(1)}).contiguous();
  return linear_of_columns(weights_.output.weight.narrow(0, i * p, p).narrow(1, 0, end), bias,
                           activations_.back().narrow(0, 0, end), precision_, ProductResult::output);
}

}  // namespace boltzflow
