// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/conditioner_precision.hpp"
#include "boltzflow/flow/euclidean/flow_tensors.hpp"

namespace boltzflow {

struct MaskedNetworkShape {
  std::int64_t dimension, hidden_width;
  std::int64_t n_hidden_layers;            ///< residual blocks of two layers each
  std::vector<float> identity_parameters;  ///< [P], outputs of one coordinate at initialisation
};

/// A residual network whose outputs for coordinate i depend on coordinates 0 .. i-1 alone (MADE): hidden unit u has a
/// degree m(u) in [1, dimension-1], increasing with u; it sees coordinates j < m(u) and units of degree at most m(u),
/// and outputs i see units of degree at most i. @cite Germain2015, "MADE"; residual blocks as in Durkan2019.
class MaskedNetwork {
 public:
  MaskedNetwork(const MaskedNetworkShape& shape, FlowTensors& tensors);

  /// x [dimension, n] -> [dimension P, n], the rows of a coordinate one after another; differentiable.
  at::Tensor operator()(const at::Tensor& x, ConditionerPrecision precision) const;

  /// Weights with their masks applied: make them once for many evaluations.
  struct Linear {
    at::Tensor weight, bias;
  };
  struct Masked {
    std::vector<Linear> hidden;
    Linear output;
  };
  Masked masked() const;
  /// Parameters [P, n] of coordinate i alone, from x of which rows < i count.
  at::Tensor parameters_of(const Masked& weights, std::int64_t i, const at::Tensor& x,
                           ConditionerPrecision precision) const;

  /// Evaluates coordinate after coordinate, every hidden unit once, as soon as all it sees is known: the d passes of
  /// sampling cost as many multiplications as one. Without gradients.
  class Sequential {
   public:
    Sequential(const MaskedNetwork& network, const at::Tensor& like, ConditionerPrecision precision);
    /// Parameters [P, n] of coordinate i; x [dimension, n] holds rows 0 .. i-1. Call with i = 0, 1, 2 ... in turn.
    at::Tensor parameters_of(std::int64_t i, const at::Tensor& x);

   private:
    const MaskedNetwork& network_;
    ConditionerPrecision precision_;
    Masked weights_;
    std::vector<at::Tensor> activations_;  // what each of hidden[1..] and the output read, [hidden_width, n]
  };

 private:
  std::int64_t dimension_, n_parameters_;
  std::vector<std::int64_t> units_up_to_;  // [dimension], number of units of degree <= m
  std::vector<Linear> hidden_;
  Linear output_;
  at::Tensor input_mask_, hidden_mask_, output_mask_;
  at::Tensor features(const Masked& weights, const at::Tensor& x, ConditionerPrecision precision) const;
};

}  // namespace boltzflow
