// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/autoregressive_transformer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "boltzflow/flow/euclidean/affine_map.hpp"

namespace boltzflow {

AutoregressiveTransformer::AutoregressiveTransformer(const std::vector<std::int64_t>& order,
                                                     const TransformerShape& shape, double maximum_log_scale,
                                                     FlowTensors& tensors)
    : shape_(shape),
      maximum_log_scale_(maximum_log_scale),
      order_(tensors.constant(at::tensor(order, at::kLong))),
      order_back_(tensors.constant(at::argsort(order_))),
      transformer_(shape, tensors) {}

AutoregressiveTransformer::Affine AutoregressiveTransformer::affine(const at::Tensor& outputs) const {
  const auto parts = outputs.split(shape_.n_inputs, -1);
  return {parts[0], bounded_log_scale(parts[1], maximum_log_scale_)};
}

at::Tensor AutoregressiveTransformer::ordered_tokens(const at::Tensor& x) const {
  return x.t().reshape({x.size(1), shape_.n_tokens, shape_.n_inputs}).index_select(1, order_);
}

/// What the transformer is given at t: token t-1, nothing at 0.
at::Tensor AutoregressiveTransformer::shown(const at::Tensor& tokens) const {
  return at::cat({at::zeros_like(tokens.narrow(1, 0, 1)), tokens.narrow(1, 0, shape_.n_tokens - 1)}, 1);
}

at::Tensor AutoregressiveTransformer::points(const at::Tensor& tokens) const {
  return tokens.index_select(1, order_back_).reshape({tokens.size(0), -1}).t().contiguous();
}

EuclideanTransform::Mapped AutoregressiveTransformer::forward(const at::Tensor& x,
                                                              ConditionerPrecision precision) const {
  const at::Tensor tokens = ordered_tokens(x);
  const auto [shift, log_scale] = affine(transformer_(shown(tokens), precision));
  return {points(tokens * at::exp(log_scale) + shift), log_scale.sum({1, 2})};
}

EuclideanTransform::Mapped AutoregressiveTransformer::inverse(const at::Tensor& y_given,
                                                              ConditionerPrecision precision) const {
  const at::Tensor y = ordered_tokens(y_given);
  const std::int64_t n = y.size(0), n_tokens = shape_.n_tokens;
  at::Tensor log_det = at::zeros({n}, y.options().requires_grad(false));
  std::vector<at::Tensor> tokens;  // [n, n_inputs] each
  const auto find_token = [&](std::int64_t t, const at::Tensor& outputs) {
    const auto [shift, log_scale] = affine(outputs);
    tokens.push_back((y.select(1, t) - shift) * at::exp(-log_scale));
    log_det = log_det - log_scale.sum(1);
  };
  if (!at::GradMode::is_enabled()) {
    Transformer::Sequential transformer(transformer_, y, n, precision);
    for (std::int64_t t = 0; t < n_tokens; ++t)
      find_token(t, transformer.next(t == 0 ? at::zeros_like(y.select(1, 0)) : tokens.back()));
  } else {
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      std::vector<at::Tensor> known = tokens;
      known.resize(static_cast<std::size_t>(n_tokens), at::zeros_like(y.select(1, 0)));
      find_token(t, transformer_(shown(at::stack(known, 1)), precision).select(1, t));
    }
  }
  return {points(at::stack(tokens, 1)), log_det};
}

}  // namespace boltzflow
