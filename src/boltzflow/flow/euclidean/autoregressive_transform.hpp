// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <vector>

#include "boltzflow/flow/euclidean/elementwise_map.hpp"
#include "boltzflow/flow/euclidean/euclidean_transform.hpp"
#include "boltzflow/flow/euclidean/masked_network.hpp"

namespace boltzflow {

/// A masked autoregressive layer: in the given order of coordinates,
///     y_i = f(x_i; network_i(x_0 .. x_{i-1})),   log_det = sum_i log f'
/// forward is one pass of the network; inverse finds x_0, x_1, ... in turn. Without gradients the inverse costs about
/// as much arithmetic as one pass (MaskedNetwork::Sequential); with gradients it is `dimension` whole passes and as
/// much memory. In bfloat16 the two add products in different orders, so that they undo each other only to bfloat16's
/// accuracy. @cite Papamakarios2017, "Masked autoregressive flow".
class AutoregressiveTransform final : public EuclideanTransform {
 public:
  /// @param order a permutation of the coordinates.
  AutoregressiveTransform(const std::vector<std::int64_t>& order, std::shared_ptr<const ElementwiseMap> map,
                          std::int64_t hidden_width, std::int64_t n_hidden_layers, FlowTensors& tensors);
  Mapped forward(const at::Tensor& x, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& y, ConditionerPrecision precision) const override;

 private:
  std::shared_ptr<const ElementwiseMap> map_;
  at::Tensor order_, order_back_;
  MaskedNetwork network_;
};

}  // namespace boltzflow
