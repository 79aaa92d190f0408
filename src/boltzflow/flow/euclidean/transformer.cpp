// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/transformer.hpp"

#include <ATen/ATen.h>

#include <cmath>

#include "boltzflow/flow/euclidean/linear_map.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t hidden_units_per_width = 4;
constexpr double embedding_deviation = 0.3;  // enough to tell tokens apart beside coordinates of order one

}  // namespace

Transformer::Transformer(const TransformerShape& shape, FlowTensors& tensors) : shape_(shape) {
  const std::int64_t width = shape.width;
  const auto linear = [&](std::int64_t n_outputs, std::int64_t n_inputs) {
    const at::Tensor weight = tensors.uniform_weights(n_outputs, n_inputs);
    return Linear{weight, tensors.filled({n_outputs}, 0)};
  };
  const auto norm = [&] {
    const at::Tensor weight = tensors.filled({width}, 1);
    return Norm{weight, tensors.filled({width}, 0)};
  };
  embedding_weight_ = tensors.uniform_weights(width, shape.n_inputs);
  token_embedding_ = tensors.normal({shape.n_tokens, width}, embedding_deviation);
  for (std::int64_t l = 0; l < shape.n_layers; ++l) {
    Layer layer;
    layer.before_attention = norm();
    layer.query_key_value = linear(3 * width, width);
    layer.attention_output = linear(width, width);
    layer.before_hidden = norm();
    layer.hidden = linear(hidden_units_per_width * width, width);
    layer.hidden_output = linear(width, hidden_units_per_width * width);
    layers_.push_back(std::move(layer));
  }
  last_norm_ = norm();
  const at::Tensor weight = tensors.filled({shape.n_outputs, width}, 0);
  output_ = {weight, tensors.filled({shape.n_outputs}, 0)};
}

at::Tensor Transformer::normalized(const Norm& norm, const at::Tensor& h) const {
  return at::layer_norm(h, {shape_.width}, norm.weight, norm.bias);
}

at::Tensor Transformer::after_hidden(const Layer& layer, const at::Tensor& h, ConditionerPrecision precision) const {
  const at::Tensor hidden = linear_of_rows(layer.hidden.weight, layer.hidden.bias, normalized(layer.before_hidden, h),
                                           precision, ProductResult::hidden);
  return h + linear_of_rows(layer.hidden_output.weight, layer.hidden_output.bias, at::gelu(hidden), precision,
                            ProductResult::hidden);
}

at::Tensor Transformer::outputs(const at::Tensor& h, ConditionerPrecision precision) const {
  return linear_of_rows(output_.weight, output_.bias, normalized(last_norm_, h), precision, ProductResult::output);
}

at::Tensor Transformer::operator()(const at::Tensor& x, ConditionerPrecision precision) const {
  const std::int64_t n = x.size(0), t = shape_.n_tokens, width = shape_.width, heads = shape_.n_heads;
  at::Tensor h = linear_of_rows(embedding_weight_, {}, at::clamp(x, -largest_network_input, largest_network_input),
                                precision, ProductResult::hidden) +
                 token_embedding_;
  for (const Layer& layer : layers_) {
    const auto parts = linear_of_rows(layer.query_key_value.weight, layer.query_key_value.bias,
                                      normalized(layer.before_attention, h), precision, ProductResult::hidden)
                           .to(h.scalar_type())
                           .view({n, t, 3, heads, width / heads})
                           .permute({2, 0, 3, 1, 4})
                           .unbind(0);  // [n, heads, t, width / heads] each
    const at::Tensor attended = at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, 0.0, shape_.causal);
    h = h + linear_of_rows(layer.attention_output.weight, layer.attention_output.bias,
                           attended.transpose(1, 2).reshape({n, t, width}), precision, ProductResult::hidden);
    h = after_hidden(layer, h, precision);
  }
  return outputs(h, precision);
}

Transformer::Sequential::Sequential(const Transformer& transformer, const at::Tensor& like, std::int64_t n_samples,
                                    ConditionerPrecision precision)
    : transformer_(transformer), precision_(precision) {
  const TransformerShape& shape = transformer.shape_;
  for (std::size_t l = 0; l < transformer.layers_.size(); ++l) {
    const auto room = [&] {
      return at::empty({n_samples, shape.n_heads, shape.n_tokens, shape.width / shape.n_heads}, like.options());
    };
    at::Tensor keys = room();
    keys_and_values_.emplace_back(std::move(keys), room());
  }
}

at::Tensor Transformer::Sequential::next(const at::Tensor& x) {
  const Transformer& self = transformer_;
  const std::int64_t n = x.size(0), width = self.shape_.width, heads = self.shape_.n_heads;
  at::Tensor h = linear_of_rows(self.embedding_weight_, {}, at::clamp(x, -largest_network_input, largest_network_input),
                                precision_, ProductResult::hidden) +
                 self.token_embedding_.select(0, n_seen_);
  for (std::size_t l = 0; l < self.layers_.size(); ++l) {
    const Layer& layer = self.layers_[l];
    const auto& [keys, values] = keys_and_values_[l];
    const auto parts = linear_of_rows(layer.query_key_value.weight, layer.query_key_value.bias,
                                      self.normalized(layer.before_attention, h), precision_, ProductResult::hidden)
                           .to(h.scalar_type())
                           .view({n, 3, heads, width / heads})
                           .unbind(1);
    keys.select(2, n_seen_).copy_(parts[1]);
    values.select(2, n_seen_).copy_(parts[2]);
    const at::Tensor scores =
        at::matmul(keys.narrow(2, 0, n_seen_ + 1), parts[0].unsqueeze(-1));  // [n, heads, seen, 1]
    const at::Tensor shares =
        at::softmax(scores.squeeze(-1) / std::sqrt(static_cast<double>(width / heads)), -1).unsqueeze(-2);
    const at::Tensor attended = at::matmul(shares, values.narrow(2, 0, n_seen_ + 1)).reshape({n, width});
    h = h + linear_of_rows(layer.attention_output.weight, layer.attention_output.bias, attended, precision_,
                           ProductResult::hidden);
    h = self.after_hidden(layer, h, precision_);
  }
  ++n_seen_;
  return self.outputs(h, precision_);
}

}  // namespace boltzflow
