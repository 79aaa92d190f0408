// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/token_coupling.hpp"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "boltzflow/flow/euclidean/affine_map.hpp"

namespace boltzflow {
namespace {

at::Tensor conditioning_mask(const CouplingSplit& split, const TransformerShape& shape) {
  at::Tensor mask = at::zeros({shape.n_tokens * shape.n_inputs}, at::kFloat);
  mask.index_fill_(0, at::tensor(split.conditioning, at::kLong), 1);
  return mask.view({shape.n_tokens, shape.n_inputs});
}

}  // namespace

TokenCoupling::TokenCoupling(const CouplingSplit& split, const TransformerShape& shape, double maximum_log_scale,
                             FlowTensors& tensors)
    : shape_(shape),
      raw_scale_bound_(std::log(2 * std::exp(maximum_log_scale) - 1)),
      seen_(tensors.constant(conditioning_mask(split, shape))),
      conditioning_(tensors.constant(at::tensor(split.conditioning, at::kLong))),
      transformed_(tensors.constant(at::tensor(split.transformed, at::kLong))),
      order_(tensors.constant(at::argsort(at::cat({conditioning_, transformed_})))),
      transformer_(shape, tensors) {}

EuclideanTransform::Mapped TokenCoupling::apply(const at::Tensor& x, ConditionerPrecision precision,
                                                bool inverse) const {
  const std::int64_t n = x.size(1), t = shape_.n_tokens, c = shape_.n_inputs;
  const at::Tensor tokens = x.t().reshape({n, t, c}) * seen_;
  const auto rows = [&](const at::Tensor& of_tokens) {  // [dimension, n], of the transformed coordinates
    return of_tokens.reshape({n, t * c}).t().index_select(0, transformed_);
  };
  const auto parts = transformer_(tokens, precision).view({n, t, 2, c}).unbind(2);
  const at::Tensor shift = rows(parts[0]);
  const at::Tensor log_scale = at::log_sigmoid(bounded_log_scale(rows(parts[1]), raw_scale_bound_)) + std::numbers::ln2;
  const at::Tensor before = x.index_select(0, transformed_);
  const at::Tensor after = inverse ? before * at::exp(-log_scale) - shift : (before + shift) * at::exp(log_scale);
  const at::Tensor log_det = log_scale.sum(0);
  return {at::cat({x.index_select(0, conditioning_), after}, 0).index_select(0, order_), inverse ? -log_det : log_det};
}

EuclideanTransform::Mapped TokenCoupling::forward(const at::Tensor& x, ConditionerPrecision precision) const {
  return apply(x, precision, false);
}
EuclideanTransform::Mapped TokenCoupling::inverse(const at::Tensor& x, ConditionerPrecision precision) const {
  return apply(x, precision, true);
}

}  // namespace boltzflow
