// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/flow_tensors.hpp"

#include <ATen/ATen.h>

#include <cmath>

namespace boltzflow {

at::Tensor FlowTensors::keep(at::Tensor leaf) {
  leaf.requires_grad_(true);
  parameters_.push_back(leaf);
  return leaf;
}

at::Tensor FlowTensors::filled(std::vector<std::int64_t> sizes, double value) {
  return keep(at::full(sizes, value, at::kFloat));
}

at::Tensor FlowTensors::uniform_weights(std::int64_t n_outputs, std::int64_t n_inputs) {
  RandomStream random = next_stream();
  const auto limit = static_cast<float>(std::sqrt(3.0 / static_cast<double>(n_inputs)));
  at::Tensor leaf = at::empty({n_outputs, n_inputs}, at::kFloat);
  float* values = leaf.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < leaf.numel(); ++i) values[i] = limit * (2.0f * random.uniform_float() - 1.0f);
  return keep(leaf);
}

at::Tensor FlowTensors::normal(std::vector<std::int64_t> sizes, double standard_deviation) {
  RandomStream random = next_stream();
  at::Tensor leaf = at::empty(sizes, at::kFloat);
  float* values = leaf.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < leaf.numel(); ++i) values[i] = static_cast<float>(standard_deviation * random.normal());
  return keep(leaf);
}

at::Tensor FlowTensors::constant(at::Tensor value) {
  constants_.push_back(value);
  return value;
}

void FlowTensors::to_type(at::ScalarType type) {
  for (at::Tensor& leaf : parameters_) {
    leaf.mutable_grad() = at::Tensor();
    leaf.set_data(leaf.detach().to(type));
  }
  for (at::Tensor& value : constants_) {
    if (value.is_floating_point()) value.set_data(value.to(type));
  }
}

void FlowTensors::to_device(const at::Device& device) {
  for (at::Tensor& leaf : parameters_) {
    leaf.mutable_grad() = at::Tensor();
    leaf.set_data(leaf.detach().to(device));
  }
  for (at::Tensor& value : constants_) value.set_data(value.to(device));
}

}  // namespace boltzflow
