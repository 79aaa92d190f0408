// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/flow_matching.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

at::Tensor flow_matching_loss(const VelocityField& velocity, const at::Tensor& x0, const at::Tensor& x1,
                              const at::Tensor& t, ConditionerPrecision precision, const at::Tensor& noise) {
  if (x0.dim() != 2 || x0.size(1) != velocity.dimension() || x1.sizes() != x0.sizes() || t.dim() != 1 ||
      t.size(0) != x0.size(0) || (noise.defined() && noise.sizes() != x0.sizes()))
    throw InputError(
        fmt::format("flow matching in {} dimensions needs x0, x1 and noise [n, {}] and t [n]; it was given x0 with {} "
                    "values, x1 with {}, t with {}",
                    velocity.dimension(), velocity.dimension(), x0.numel(), x1.numel(), t.numel()));
  const at::Tensor target = x1 - x0;
  at::Tensor x = x0 + t.unsqueeze(1) * target;
  if (noise.defined()) x = x + noise;
  return (velocity.velocity(x, t, precision) - target).square().mean();
}

}  // namespace boltzflow
