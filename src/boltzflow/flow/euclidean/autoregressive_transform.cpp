// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/autoregressive_transform.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace boltzflow {

AutoregressiveTransform::AutoregressiveTransform(const std::vector<std::int64_t>& order,
                                                 std::shared_ptr<const ElementwiseMap> map, std::int64_t hidden_width,
                                                 std::int64_t n_hidden_layers, FlowTensors& tensors)
    : map_(std::move(map)),
      order_(tensors.constant(at::tensor(order, at::kLong))),
      order_back_(tensors.constant(at::argsort(order_))),
      network_({std::ssize(order), hidden_width, n_hidden_layers, map_->identity_parameters()}, tensors) {}

EuclideanTransform::Mapped AutoregressiveTransform::forward(const at::Tensor& x_given,
                                                            ConditionerPrecision precision) const {
  const at::Tensor x = x_given.index_select(0, order_);
  const Mapped mapped = map_->map(x, network_(x, precision), false);
  return {mapped.x.index_select(0, order_back_), mapped.log_det};
}

EuclideanTransform::Mapped AutoregressiveTransform::inverse(const at::Tensor& y_given,
                                                            ConditionerPrecision precision) const {
  const at::Tensor y = y_given.index_select(0, order_);
  const std::int64_t d = y.size(0), n = y.size(1);
  at::Tensor log_det = at::zeros({n}, y.options().requires_grad(false));
  if (!at::GradMode::is_enabled()) {
    MaskedNetwork::Sequential network(network_, y, precision);
    const at::Tensor x = at::empty_like(y);
    for (std::int64_t i = 0; i < d; ++i) {
      const Mapped mapped = map_->map(y.narrow(0, i, 1), network.parameters_of(i, x), true);
      x.narrow(0, i, 1).copy_(mapped.x);
      log_det += mapped.log_det;
    }
    return {x.index_select(0, order_back_), log_det};
  }
  const MaskedNetwork::Masked weights = network_.masked();
  std::vector<at::Tensor> rows;
  for (std::int64_t i = 0; i < d; ++i) {
    std::vector<at::Tensor> known = rows;
    known.push_back(at::zeros({d - i, n}, y.options().requires_grad(false)));
    const at::Tensor parameters = network_.parameters_of(weights, i, at::cat(known), precision);
    const Mapped mapped = map_->map(y.narrow(0, i, 1), parameters, true);
    rows.push_back(mapped.x);
    log_det = log_det + mapped.log_det;
  }
  return {at::cat(rows).index_select(0, order_back_), log_det};
}

}  // namespace boltzflow
