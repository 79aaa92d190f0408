// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/flow/continuous/velocity_field.hpp"

namespace boltzflow {

/// This is a field whose divergence has a closed form, at about the price of one hidden layer: a network with two
/// hidden layers that sees the time at every layer, and a scale of each coordinate that depends on time alone.
///
///     a_1 = W_1 x + T_1 f(t) + b_1        a_2 = W_2 s(a_1) + T_2 f(t) + b_2        s(a) = a / (1 + exp(-a))
///     v   = W_3 s(a_2) + T_3 f(t) + b_3 + c(t) * x        c(t) = T_4 f(t) + b_4
///
///     div v = s'(a_2)' [ W_2 o (W_1 W_3)' ] s'(a_1) + sum_i c_i(t)
///
/// with o the product of elements: the trace of W_3 diag(s'(a_2)) W_2 diag(s'(a_1)) W_1, whose two outer matrices meet
/// under the trace. The bracket does not depend on x, so a batch costs one product of [n, h] by [h, h].
class TwoLayerVelocity final : public VelocityField {
 public:
  TwoLayerVelocity(int dimension, std::int64_t hidden_width, std::uint64_t seed);

  at::Tensor velocity(const at::Tensor& x, const at::Tensor& t, ConditionerPrecision precision) const override;
  WithDivergence with_exact_divergence(const at::Tensor& x, const at::Tensor& t) const override;
  std::unique_ptr<VelocityField> copy() const override { return std::make_unique<TwoLayerVelocity>(*this); }
  std::int64_t cpu_batch() const noexcept override { return 256; }

 private:
  AffineMap first_, second_, output_, first_time_, second_time_, output_time_, scale_;
};

}  // namespace boltzflow
