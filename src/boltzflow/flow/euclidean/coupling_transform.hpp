// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include "boltzflow/flow/euclidean/conditioner_network.hpp"
#include "boltzflow/flow/euclidean/coupling_split.hpp"
#include "boltzflow/flow/euclidean/elementwise_map.hpp"
#include "boltzflow/flow/euclidean/euclidean_transform.hpp"

namespace boltzflow {

/// A coupling layer: coordinates A stay, coordinates B change by a map whose parameters a network computes from A,
///     y_A = x_A,   y_B = f(x_B; network(x_A)),   log_det = sum_B log f'
/// Both directions cost one pass of the network. @cite Dinh2017.
class CouplingTransform final : public EuclideanTransform {
 public:
  /// @param n_hidden_layers, residual as of ConditionerNetworkShape.
  CouplingTransform(const CouplingSplit& split, std::shared_ptr<const ElementwiseMap> map, std::int64_t hidden_width,
                    std::int64_t n_hidden_layers, bool residual, FlowTensors& tensors);
  Mapped forward(const at::Tensor& x, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& x, ConditionerPrecision precision) const override;

 private:
  std::shared_ptr<const ElementwiseMap> map_;
  at::Tensor conditioning_, transformed_;  // indices
  at::Tensor order_;                       // from [conditioning | transformed] back to 0 .. dimension-1
  ConditionerNetwork network_;
  Mapped apply(const at::Tensor& x, ConditionerPrecision precision, bool inverse) const;
};

}  // namespace boltzflow
