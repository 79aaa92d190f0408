// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/conditioner_precision.hpp"
#include "boltzflow/flow/euclidean/flow_tensors.hpp"

namespace boltzflow {

struct ConditionerNetworkShape {
  std::int64_t n_inputs, hidden_width;
  std::int64_t n_hidden_layers;  ///< hidden layers, or residual blocks of two layers each
  std::int64_t n_outputs;
  bool residual;
};

/// A multilayer perceptron, or with `residual` a pre-activation residual one (He2016):
///     h_0 = W_0 x + b_0,   h_{k+1} = act(W h_k + b)                      plain
///                          h_{k+1} = h_k + W'' act(W' act(h_k) + b') + b''   residual
///     y   = V act(h) + c
/// with act = SiLU, smooth so that the flow's density is. V starts at 0 and c at the values given, so that at
/// initialisation y = c for every x.
class ConditionerNetwork {
 public:
  /// @param output_bias [n_outputs], float32.
  ConditionerNetwork(const ConditionerNetworkShape& shape, const std::vector<float>& output_bias, FlowTensors& tensors);
  /// x [n_inputs, n_samples] -> [n_outputs, n_samples].
  at::Tensor operator()(const at::Tensor& x, ConditionerPrecision precision) const;

 private:
  struct Linear {
    at::Tensor weight, bias;
  };
  bool residual_;
  std::vector<Linear> hidden_;
  Linear output_;
};

}  // namespace boltzflow
