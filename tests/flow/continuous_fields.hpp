// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <memory>
#include <string>

#include "boltzflow/base/random.hpp"
#include "boltzflow/flow/continuous/atom_basis.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"

namespace boltzflow {

inline at::Tensor random_normal(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  at::Tensor values = at::empty(sizes, at::kDouble);
  RandomStream random(seed);
  double* data = values.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < values.numel(); ++i) data[i] = random.normal();
  return values;
}

/// A Helmert basis of the shapes of n_atoms atoms: [3 n_atoms, 3 n_atoms - 3].
inline at::Tensor helmert_basis(std::int64_t n_atoms) {
  at::Tensor rows = at::zeros({n_atoms - 1, n_atoms}, at::kDouble);
  for (std::int64_t k = 1; k < n_atoms; ++k) {
    const double scale = 1 / std::sqrt(static_cast<double>(k * (k + 1)));
    rows[k - 1].narrow(0, 0, k).fill_(scale);
    rows[k - 1][k] = -scale * static_cast<double>(k);
  }
  return at::kron(rows, at::eye(3, at::kDouble)).t().contiguous();
}

/// Four atoms, three types, 3 x 4 coordinates (or 9 through a basis); small networks.
inline ContinuousFlow small_flow(const std::string& velocity, const at::Tensor& basis = {}) {
  ContinuousFlowOptions options;
  options.velocity = velocity;
  options.hidden_width = 16;
  options.n_layers = 2;
  options.n_heads = 2;
  return make_continuous_flow(basis.defined() ? 9 : 12, {7, 3, 3, 9}, options, 5, basis);
}

/// Adds noise to every parameter: a new field is zero.
inline void bend(const VelocityField& field, double size = 0.2) {
  const c10::AutoGradMode no_gradients(false);
  std::uint64_t seed = 100;
  for (const at::Tensor& parameter : field.parameters())
    at::Tensor(parameter).add_(size * random_normal(parameter.sizes().vec(), seed++).to(parameter.scalar_type()));
}

inline std::unique_ptr<VelocityField> new_field(const std::string& velocity) {
  return small_flow(velocity).velocity().copy();
}

inline std::unique_ptr<VelocityField> bent_field(const std::string& velocity, at::ScalarType type,
                                                 const at::Tensor& basis = {}) {
  auto field = small_flow(velocity, basis).velocity().copy();
  field->to_type(type);
  bend(*field);
  return field;
}

}  // namespace boltzflow
