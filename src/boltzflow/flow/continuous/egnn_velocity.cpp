// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/egnn_velocity.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "boltzflow/flow/continuous/time_features.hpp"

namespace boltzflow {
namespace {

constexpr double coordinate_range = 15;  // of all layers together; tanh is far from its bounds in a trained field
constexpr double activation_gain = 1.4;  // keeps the variance through an affine map and s
// Under the root, so that the gradient of an atom's distance to itself is 0 and not 0/0; below float32's 1e-7 relative.
constexpr double smallest_square = 1e-12;

/// The sorted distinct types' positions.
std::vector<std::int64_t> ranks(const std::vector<int>& types, std::int64_t& n_types) {
  std::vector<int> distinct = types;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  n_types = static_cast<std::int64_t>(distinct.size());
  std::vector<std::int64_t> result;
  for (const int type : types) result.push_back(std::ranges::lower_bound(distinct, type) - distinct.begin());
  return result;
}

}  // namespace

EgnnVelocity::EgnnVelocity(const std::vector<int>& atom_types, AtomBasis basis, int dimension,
                           std::int64_t hidden_width, std::int64_t n_layers, std::uint64_t seed)
    : VelocityField(dimension), basis_(std::move(basis)) {
  RandomStream random(seed);
  std::int64_t n_types = 0;
  const std::vector<std::int64_t> index = ranks(atom_types, n_types);
  type_index_ = at::empty({static_cast<std::int64_t>(index.size())}, at::kLong);
  std::ranges::copy(index, type_index_.mutable_data_ptr<std::int64_t>());
  const auto normal = [&](std::int64_t rows, std::int64_t columns, double deviation) {
    at::Tensor values = at::empty({rows, columns}, at::kFloat);
    float* data = values.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i) data[i] = static_cast<float>(deviation * random.normal());
    return add_parameter(values);
  };
  const std::int64_t h = hidden_width;
  embedding_ = normal(n_types, h, 1);
  time_ = add_affine(n_time_features, h, 1, random);
  for (std::int64_t k = 0; k < n_layers; ++k) {
    Layer layer;
    layer.of_receiver = add_affine(h, h, 1, random);
    layer.of_sender = add_affine(h, h, 1, random);
    layer.of_distances = normal(2, h, 0.3);  // squared distances of standardised coordinates are several units
    layer.message = add_affine(h, h, activation_gain, random);
    layer.attention = add_affine(h, 1, 1, random);
    layer.coordinate = add_affine(h, h, activation_gain, random);
    layer.displacement = add_affine(h, 1, 0, random);
    if (k + 1 < n_layers) {
      layer.node_first = add_affine(2 * h, h, activation_gain, random);
      layer.node_second = add_affine(h, h, 1, random);
    }
    layers_.push_back(layer);
  }
}

void EgnnVelocity::move_constants(const at::Tensor& like) {
  basis_.move(like);
  type_index_ = type_index_.to(like.device());
}

at::Tensor EgnnVelocity::velocity(const at::Tensor& z, const at::Tensor& t, ConditionerPrecision precision) const {
  constexpr auto narrow = ConditionerPrecision::float32;
  const at::Tensor of_time = apply(time_, time_features(checked_time(z, t)), narrow);
  const at::Tensor start = basis_.to_atoms(z);
  const double range = coordinate_range / static_cast<double>(layers_.size());
  at::Tensor x = start, first_squares;
  at::Tensor h = parameters()[embedding_].index_select(0, type_index_) + of_time.unsqueeze(1);  // [n or 1, N, width]
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    const Layer& layer = layers_[k];
    const at::Tensor difference = x.unsqueeze(2) - x.unsqueeze(1);  // [n, N, N, 3], x_i - x_j
    const at::Tensor squares = difference.square().sum(3, /*keepdim=*/true);
    if (k == 0) first_squares = squares;
    const at::Tensor pair = at::linear(at::cat({squares, first_squares}, 3), parameters()[layer.of_distances].t()) +
                            apply(layer.of_receiver, h, precision).unsqueeze(2) +
                            apply(layer.of_sender, h, precision).unsqueeze(1);
    at::Tensor message = at::silu(apply(layer.message, at::silu(pair), precision));
    message = message * at::sigmoid(apply(layer.attention, message, narrow));
    const at::Tensor pull =
        at::tanh(apply(layer.displacement, at::silu(apply(layer.coordinate, message, precision)), narrow));
    const at::Tensor along = range * pull / ((squares + smallest_square).sqrt() + 1);
    const at::Tensor moved = x + (difference * along).sum(2);
    if (k + 1 < layers_.size()) {
      const at::Tensor received = message.mean(2);
      const at::Tensor input = at::cat({h.expand_as(received), received}, 2);
      h = h + apply(layer.node_second, at::silu(apply(layer.node_first, input, precision)), precision);
    }
    x = moved;
  }
  const at::Tensor v = x - start;
  return basis_.from_atoms(v - v.mean(1, /*keepdim=*/true));
}

}  // namespace boltzflow
