// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/velocity_field.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

/// A leaf of its own for every field, whatever graph the values came from.
at::Tensor leaf(const at::Tensor& values) { return values.detach().clone().contiguous().requires_grad_(true); }

}  // namespace

VelocityField::VelocityField(const VelocityField& other) : dimension_(other.dimension_) {
  for (const at::Tensor& parameter : other.parameters_) parameters_.push_back(leaf(parameter));
}

std::size_t VelocityField::add_parameter(at::Tensor values) {
  parameters_.push_back(leaf(values));
  return parameters_.size() - 1;
}

VelocityField::AffineMap VelocityField::add_affine(std::int64_t n_inputs, std::int64_t n_outputs, double gain,
                                                   RandomStream& random) {
  at::Tensor weights = at::zeros({n_outputs, n_inputs}, at::kFloat);
  if (gain > 0) {
    const double limit = gain * std::sqrt(3.0 / static_cast<double>(n_inputs));
    float* values = weights.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < weights.numel(); ++i)
      values[i] = static_cast<float>(limit * (2 * random.uniform() - 1));
  }
  const std::size_t weight = add_parameter(weights);
  return {weight, add_parameter(at::zeros({n_outputs}, at::kFloat))};
}

at::Tensor VelocityField::apply(const AffineMap& map, const at::Tensor& x, ConditionerPrecision precision) const {
  if (precision != ConditionerPrecision::bfloat16) return at::linear(x, weight(map), bias(map));
  return at::linear(x.to(at::kBFloat16), weight(map).to(at::kBFloat16), bias(map).to(at::kBFloat16))
      .to(x.scalar_type());
}

at::Tensor VelocityField::checked_time(const at::Tensor& x, const at::Tensor& t) const {
  if (x.dim() != 2 || x.size(1) != dimension_)
    throw InputError(
        fmt::format("a velocity field of {} dimensions needs points [n, {}], not a tensor of {} axes and {} values",
                    dimension_, dimension_, x.dim(), x.numel()));
  if (t.dim() != 1 || (t.size(0) != x.size(0) && t.size(0) != 1))
    throw InputError(fmt::format("a velocity field needs one time for all or one for each of {} points, not {}",
                                 x.size(0), t.numel()));
  return t.to(x.options().requires_grad(false)).unsqueeze(1);
}

VelocityField::WithDivergence VelocityField::with_exact_divergence(const at::Tensor& x, const at::Tensor& t) const {
  const c10::AutoGradMode gradients(true);
  const at::Tensor point = x.detach().requires_grad_(true);
  const at::Tensor v = velocity(point, t, ConditionerPrecision::float32);
  const c10::AutoGradMode no_gradients(false);
  at::Tensor divergence = at::zeros({x.size(0)}, v.options());
  at::Tensor direction = at::zeros_like(v);
  for (int i = 0; i < dimension_; ++i) {
    direction.select(1, i).fill_(1);
    const at::Tensor row = torch::autograd::grad({v}, {point}, {direction}, i + 1 < dimension_, false, true)[0];
    if (row.defined()) divergence.add_(row.select(1, i));
    direction.select(1, i).zero_();
  }
  return {v.detach(), divergence};
}

VelocityField::WithDivergence VelocityField::with_estimated_divergence(const at::Tensor& x, const at::Tensor& t,
                                                                       const at::Tensor& probes) const {
  const c10::AutoGradMode gradients(true);
  const at::Tensor point = x.detach().requires_grad_(true);
  const at::Tensor v = velocity(point, t, ConditionerPrecision::float32);
  const c10::AutoGradMode no_gradients(false);
  at::Tensor divergence = at::zeros({x.size(0), probes.size(0)}, v.options());
  for (std::int64_t m = 0; m < probes.size(0); ++m) {
    const at::Tensor probe = probes.select(0, m).to(v.scalar_type());
    const at::Tensor row = torch::autograd::grad({v}, {point}, {probe}, m + 1 < probes.size(0), false, true)[0];
    if (row.defined()) divergence.select(1, m).copy_((row * probe).sum(1));
  }
  return {v.detach(), divergence};
}

void VelocityField::to_device(const std::string& device) {
  const c10::AutoGradMode no_gradients(false);
  for (at::Tensor& parameter : parameters_) parameter = leaf(parameter.to(at::Device(device)));
  move_constants(parameters_.front());
}

void VelocityField::to_type(at::ScalarType type) {
  const c10::AutoGradMode no_gradients(false);
  for (at::Tensor& parameter : parameters_) parameter = leaf(parameter.to(type));
  move_constants(parameters_.front());
}

}  // namespace boltzflow
