// SPDX-License-Identifier: MIT
#include "boltzflow/training/regression_regularization.hpp"

#include <ATen/ATen.h>

namespace boltzflow {

at::Tensor regression_regularization(const std::string& kind, const Density& flow, const Density::Mapped& mapped,
                                     const at::Tensor& x0, const at::Tensor& x1, ConditionerPrecision precision) {
  if (kind == "log-det") return mapped.log_det.square().mean();
  if (kind == "forward-backward") return (flow.inverse(mapped.x, precision).x - x0).square().mean();
  if (kind == "backward") return (flow.inverse(x1, precision).x - x0).square().mean();
  return {};
}

}  // namespace boltzflow
