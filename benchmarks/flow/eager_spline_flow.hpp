// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "boltzflow/flow/coupling_layout.hpp"

namespace boltzflow::benchmark {

/// The peer of the fused coupling layers: the same network written as one would write it with LibTorch's operations,
/// samples in rows, one operation after the other, gradients by autograd.
class EagerSplineFlow {
 public:
  /// @param parameters of every layer, flat as CouplingLayer has them; copied into one tensor per weight and bias.
  EagerSplineFlow(std::vector<CouplingLayout> layouts, const std::vector<at::Tensor>& parameters);

  struct Mapped {
    at::Tensor x;        ///< [n_samples, dimension]
    at::Tensor log_det;  ///< [n_samples]
  };
  Mapped map(CouplingDirection direction, at::Tensor x) const;

  const std::vector<at::Tensor>& parameters() const noexcept { return parameters_; }

 private:
  struct Layer {
    CouplingLayout layout;
    std::vector<at::Tensor> weights, biases;
    at::Tensor circles, intervals, transformed, order, last_slopes, shift;
  };
  static Mapped map_layer(const Layer& layer, CouplingDirection direction, const at::Tensor& x);

  std::vector<Layer> layers_;
  std::vector<at::Tensor> parameters_;
};

}  // namespace boltzflow::benchmark
