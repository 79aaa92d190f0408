// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// The tensors of a flow: leaves that training changes, and constants (masks, indices) that go along to another type or
/// device. The layers of a flow draw theirs here while they are built and keep the handles; a conversion changes what
/// the handles refer to.
class FlowTensors {
 public:
  explicit FlowTensors(std::uint64_t seed) : seed_(seed) {}

  /// Leaves, float32 on the CPU at first. Each has a random stream of its own, so that adding one changes no other.
  at::Tensor filled(std::vector<std::int64_t> sizes, double value);
  /// Weights [n_outputs, n_inputs], uniform with variance 1 / n_inputs.
  at::Tensor uniform_weights(std::int64_t n_outputs, std::int64_t n_inputs);
  at::Tensor normal(std::vector<std::int64_t> sizes, double standard_deviation);
  /// Keeps a constant: floating-point ones are converted with the leaves, others only change their device.
  at::Tensor constant(at::Tensor value);

  const std::vector<at::Tensor>& parameters() const noexcept { return parameters_; }
  void to_type(at::ScalarType type);
  void to_device(const at::Device& device);

 private:
  std::uint64_t seed_;
  std::vector<at::Tensor> parameters_, constants_;
  at::Tensor keep(at::Tensor leaf);
  RandomStream next_stream() const { return RandomStream(seed_).child(parameters_.size()); }
};

}  // namespace boltzflow
