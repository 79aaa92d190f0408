// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/affine_map.hpp"

#include <ATen/ATen.h>

namespace boltzflow {

at::Tensor bounded_log_scale(const at::Tensor& raw, double bound) { return bound * at::tanh(raw / bound); }

Density::Mapped AffineMap::map(const at::Tensor& x, const at::Tensor& parameters, bool inverse) const {
  const auto by_coordinate = parameters.view({x.size(0), 2, x.size(1)}).unbind(1);
  const at::Tensor &shift = by_coordinate[0], log_scale = bounded_log_scale(by_coordinate[1], maximum_log_scale_);
  if (inverse) return {(x - shift) * at::exp(-log_scale), -log_scale.sum(0)};
  return {x * at::exp(log_scale) + shift, log_scale.sum(0)};
}

}  // namespace boltzflow
