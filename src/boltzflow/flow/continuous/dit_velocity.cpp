// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/dit_velocity.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/continuous/time_features.hpp"

namespace boltzflow {
namespace {

constexpr double norm_epsilon = 1e-6;

/// norm(y) (1 + scale) + shift, shift and scale [n or 1, 1, width].
at::Tensor modulated(const at::Tensor& y, const at::Tensor& shift, const at::Tensor& scale) {
  return at::layer_norm(y, {y.size(2)}, {}, {}, norm_epsilon) * (1 + scale) + shift;
}

}  // namespace

DitVelocity::DitVelocity(AtomBasis basis, int dimension, std::int64_t width, std::int64_t n_layers,
                         std::int64_t n_heads, std::uint64_t seed)
    : VelocityField(dimension), basis_(std::move(basis)), width_(width), n_heads_(n_heads) {
  if (n_heads < 1 || width % n_heads != 0)
    throw ConfigurationError(
        fmt::format("flow.continuous.n_heads: {} does not divide flow.continuous.hidden_width, {}", n_heads, width));
  RandomStream random(seed);
  input_ = add_affine(3, width, 1, random);
  at::Tensor of_atom = at::empty({basis_.n_atoms(), width}, at::kFloat);
  float* values = of_atom.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < of_atom.numel(); ++i) values[i] = static_cast<float>(random.normal());
  of_atom_ = add_parameter(of_atom);
  time_first_ = add_affine(n_time_features, width, 1, random);
  time_second_ = add_affine(width, width, 1, random);
  for (std::int64_t k = 0; k < n_layers; ++k) {
    Layer layer;
    layer.modulation = add_affine(width, 6 * width, 0, random);
    layer.queries_keys_values = add_affine(width, 3 * width, 1, random);
    layer.attended = add_affine(width, width, 1, random);
    layer.wide = add_affine(width, 4 * width, 1, random);
    layer.narrow = add_affine(4 * width, width, 1, random);
    layers_.push_back(layer);
  }
  last_modulation_ = add_affine(width, 2 * width, 0, random);
  output_ = add_affine(width, 3, 0, random);
}

at::Tensor DitVelocity::attention(const Layer& layer, const at::Tensor& y, ConditionerPrecision precision) const {
  const std::int64_t n = y.size(0), n_atoms = y.size(1), head = width_ / n_heads_;
  // [3, n, heads, atoms, head]
  const at::Tensor parts =
      apply(layer.queries_keys_values, y, precision).view({n, n_atoms, 3, n_heads_, head}).permute({2, 0, 3, 1, 4});
  const at::Tensor scores = at::matmul(parts[0] * (1 / std::sqrt(static_cast<double>(head))), parts[1].transpose(2, 3));
  const at::Tensor mixed = at::matmul(at::softmax(scores, 3), parts[2]);
  return apply(layer.attended, mixed.transpose(1, 2).reshape({n, n_atoms, width_}), precision);
}

at::Tensor DitVelocity::velocity(const at::Tensor& z, const at::Tensor& t, ConditionerPrecision precision) const {
  constexpr auto narrow = ConditionerPrecision::float32;
  const at::Tensor features = time_features(checked_time(z, t));
  const at::Tensor of_time =
      at::silu(apply(time_second_, at::silu(apply(time_first_, features, narrow)), narrow)).unsqueeze(1);
  at::Tensor y = apply(input_, basis_.to_atoms(z), narrow) + parameters()[of_atom_];
  for (const Layer& layer : layers_) {
    const std::vector<at::Tensor> m = apply(layer.modulation, of_time, narrow).chunk(6, 2);
    y = y + m[2] * attention(layer, modulated(y, m[0], m[1]), precision);
    const at::Tensor wide = at::gelu(apply(layer.wide, modulated(y, m[3], m[4]), precision), "tanh");
    y = y + m[5] * apply(layer.narrow, wide, precision);
  }
  const std::vector<at::Tensor> m = apply(last_modulation_, of_time, narrow).chunk(2, 2);
  return basis_.from_atoms(apply(output_, modulated(y, m[0], m[1]), narrow));
}

}  // namespace boltzflow
