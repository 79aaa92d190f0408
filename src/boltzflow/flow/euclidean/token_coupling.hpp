// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/flow/euclidean/coupling_split.hpp"
#include "boltzflow/flow/euclidean/euclidean_transform.hpp"
#include "boltzflow/flow/euclidean/transformer.hpp"

namespace boltzflow {

/// A coupling layer whose network is a transformer over atoms (Jet): it sees every token with the transformed
/// coordinates set to 0, and gives all of these a shift b and a scale,
///     y = (x + b) 2 sigmoid(r),   log_det = sum log 2 sigmoid(r)
/// r is bounded so that log 2 sigmoid(r) stays in (-maximum_log_scale, log 2). A split may separate atoms, or x, y, z.
/// @cite Kolesnikov2024, "Jet: a modern transformer-based normalizing flow".
class TokenCoupling final : public EuclideanTransform {
 public:
  /// @param shape of the transformer; n_tokens n_inputs is the dimension, n_outputs 2 n_inputs.
  TokenCoupling(const CouplingSplit& split, const TransformerShape& shape, double maximum_log_scale,
                FlowTensors& tensors);
  Mapped forward(const at::Tensor& x, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& x, ConditionerPrecision precision) const override;

 private:
  TransformerShape shape_;
  double raw_scale_bound_;
  at::Tensor seen_;                                // [n_tokens, n_inputs], 1 where conditioning
  at::Tensor conditioning_, transformed_, order_;  // indices, as of CouplingTransform
  Transformer transformer_;
  Mapped apply(const at::Tensor& x, ConditionerPrecision precision, bool inverse) const;
};

}  // namespace boltzflow
