// SPDX-License-Identifier: MIT
#include "boltzflow/flow/density.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

at::Tensor Density::log_prob(const at::Tensor& z, ConditionerPrecision precision) const {
  const Mapped mapped = inverse(z, precision);
  return base_log_prob(mapped.x) + mapped.log_det;
}

std::int64_t Density::n_parameters() const {
  std::int64_t n = 0;
  for (const at::Tensor& parameter : parameters()) n += parameter.numel();
  return n;
}

at::Tensor Density::flat_parameters() const {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& parameter : parameters()) flat.push_back(parameter.detach().reshape(-1).to(at::kFloat));
  return at::cat(flat).to(at::kCPU);
}

void Density::set_flat_parameters(const at::Tensor& flat) {
  if (flat.dim() != 1 || flat.numel() != n_parameters())
    throw InputError(fmt::format("the flow has {} parameters, {} were given", n_parameters(), flat.numel()));
  const c10::NoGradGuard no_grad;
  std::int64_t first = 0;
  for (at::Tensor& parameter : parameters()) {
    parameter.copy_(flat.narrow(0, first, parameter.numel()).view(parameter.sizes()));
    first += parameter.numel();
  }
  parameters_changed();
}

}  // namespace boltzflow
