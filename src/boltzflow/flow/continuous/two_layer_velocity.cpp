// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/two_layer_velocity.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <numbers>

#include "boltzflow/flow/continuous/time_features.hpp"

namespace boltzflow {
namespace {

/// d/da of a sigmoid(a), given both.
at::Tensor silu_slope(const at::Tensor& a, const at::Tensor& sigmoid) { return sigmoid * (1 + a * (1 - sigmoid)); }

}  // namespace

TwoLayerVelocity::TwoLayerVelocity(int dimension, std::int64_t hidden_width, std::uint64_t seed)
    : VelocityField(dimension) {
  RandomStream random(seed);
  constexpr double gain = std::numbers::sqrt2;
  first_ = add_affine(dimension, hidden_width, gain, random);
  second_ = add_affine(hidden_width, hidden_width, gain, random);
  output_ = add_affine(hidden_width, dimension, 0, random);
  first_time_ = add_affine(n_time_features, hidden_width, 1, random);
  second_time_ = add_affine(n_time_features, hidden_width, 1, random);
  output_time_ = add_affine(n_time_features, dimension, 0, random);
  scale_ = add_affine(n_time_features, dimension, 0, random);
}

at::Tensor TwoLayerVelocity::velocity(const at::Tensor& x, const at::Tensor& t, ConditionerPrecision precision) const {
  const at::Tensor features = time_features(checked_time(x, t));
  const auto of_time = [&](const AffineMap& map) { return apply(map, features, ConditionerPrecision::float32); };
  const at::Tensor h1 = at::silu(apply(first_, x, precision) + of_time(first_time_));
  const at::Tensor h2 = at::silu(apply(second_, h1, precision) + of_time(second_time_));
  return apply(output_, h2, precision) + of_time(output_time_) + of_time(scale_) * x;
}

VelocityField::WithDivergence TwoLayerVelocity::with_exact_divergence(const at::Tensor& x, const at::Tensor& t) const {
  const c10::AutoGradMode no_gradients(false);
  constexpr auto exact = ConditionerPrecision::float32;
  const at::Tensor features = time_features(checked_time(x, t));
  const at::Tensor a1 = apply(first_, x, exact) + apply(first_time_, features, exact);
  const at::Tensor s1 = at::sigmoid(a1);
  const at::Tensor a2 = apply(second_, a1 * s1, exact) + apply(second_time_, features, exact);
  const at::Tensor s2 = at::sigmoid(a2);
  const at::Tensor scale = apply(scale_, features, exact);
  at::Tensor v = apply(output_, a2 * s2, exact) + apply(output_time_, features, exact) + scale * x;
  const at::Tensor bracket = weight(second_) * at::mm(weight(first_), weight(output_)).t();
  const at::Tensor along = at::mm(silu_slope(a1, s1), bracket.t());
  return {v, (silu_slope(a2, s2) * along).sum(1) + scale.sum(1)};
}

}  // namespace boltzflow
