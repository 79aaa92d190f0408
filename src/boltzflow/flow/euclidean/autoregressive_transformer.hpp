// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/euclidean/euclidean_transform.hpp"
#include "boltzflow/flow/euclidean/transformer.hpp"

namespace boltzflow {

/// A block of TarFlow: in the given order of tokens, a causal transformer that is shown tokens 0 .. t-1 gives token t a
/// shift and a bounded log-scale for each of its coordinates,
///     y_t = x_t exp(s(x_0 .. x_{t-1})) + b(x_0 .. x_{t-1}),   log_det = sum s
/// forward is one pass; inverse finds token after token, without gradients at the cost of about one pass over kept keys
/// and values, with gradients in n_tokens whole passes. In bfloat16 the two undo each other only to its accuracy.
/// @cite Zhai2024, "Normalizing flows are capable generative models".
class AutoregressiveTransformer final : public EuclideanTransform {
 public:
  /// @param order a permutation of the tokens. @param shape causal; n_outputs is 2 n_inputs.
  AutoregressiveTransformer(const std::vector<std::int64_t>& order, const TransformerShape& shape,
                            double maximum_log_scale, FlowTensors& tensors);
  Mapped forward(const at::Tensor& x, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& y, ConditionerPrecision precision) const override;

 private:
  TransformerShape shape_;
  double maximum_log_scale_;
  at::Tensor order_, order_back_;
  Transformer transformer_;

  struct Affine {
    at::Tensor shift, log_scale;
  };
  Affine affine(const at::Tensor& outputs) const;
  at::Tensor ordered_tokens(const at::Tensor& x) const;
  at::Tensor shown(const at::Tensor& tokens) const;
  at::Tensor points(const at::Tensor& tokens) const;
};

}  // namespace boltzflow
