// SPDX-License-Identifier: MIT
#include "boltzflow/flow/boltzmann_generator.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/flow/flow_dimensions.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t chunk = 16384;  // conformations at a time, so that float64 temporaries stay small

std::span<double> values(at::Tensor& tensor) {
  return {tensor.mutable_data_ptr<double>(), static_cast<std::size_t>(tensor.numel())};
}
std::span<const double> constant_values(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<double>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace

BoltzmannGenerator::BoltzmannGenerator(MolecularSystem system, double temperature, SplineFlowOptions options,
                                       std::uint64_t seed)
    : system_(std::move(system)),
      temperature_(temperature),
      coordinates_(system_),
      flow_(flow_dimensions(coordinates_), std::move(options), seed) {
  if (!(temperature_ > 0) || !std::isfinite(temperature_)) {
    throw InputError(fmt::format("temperature: {} K is not a positive number", temperature_));
  }
}

BoltzmannGenerator::Sample BoltzmannGenerator::sample(std::int64_t n_samples, RandomStream& random,
                                                      ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  SplineFlow::Sample drawn = flow_.sample(n_samples, random, precision);
  Sample result{drawn.z.to(at::kCPU), at::empty({n_samples, system_.n_atoms(), 3}, at::kDouble),
                drawn.log_prob.to(at::kCPU), at::empty({n_samples}, at::kDouble)};
  for (std::int64_t first = 0; first < n_samples; first += chunk) {
    const std::int64_t count = std::min(chunk, n_samples - first);
    const at::Tensor z = result.z.narrow(0, first, count).to(at::kDouble).t().contiguous();
    at::Tensor positions = result.positions.narrow(0, first, count), log_det = result.log_det.narrow(0, first, count);
    coordinates_.to_cartesian(constant_values(z), values(positions), values(log_det));
  }
  result.log_prob = result.log_prob - result.log_det;
  return result;
}

at::Tensor BoltzmannGenerator::log_prob(const at::Tensor& positions, ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  if (positions.dim() != 3 || positions.size(1) != system_.n_atoms() || positions.size(2) != 3) {
    throw InputError(fmt::format("log_prob needs positions [n_frames, {}, 3]", system_.n_atoms()));
  }
  const std::int64_t n = positions.size(0);
  at::Tensor result = at::empty({n}, at::kDouble);
  for (std::int64_t first = 0; first < n; first += chunk) {
    const std::int64_t count = std::min(chunk, n - first);
    const at::Tensor part = positions.narrow(0, first, count).to(at::kCPU, at::kDouble).contiguous();
    at::Tensor z = at::empty({flow_.dimension(), count}, at::kDouble), log_det = at::empty({count}, at::kDouble);
    std::vector<std::uint8_t> representable(static_cast<std::size_t>(count));
    coordinates_.from_cartesian(constant_values(part), values(z), values(log_det), representable);
    const at::Tensor log_q = flow_.log_prob_no_grad(z.t().to(at::kFloat).contiguous(), precision).to(at::kCPU);
    const double* log_q_z = log_q.const_data_ptr<double>();
    const double* change = log_det.const_data_ptr<double>();
    double* out = result.mutable_data_ptr<double>() + first;
    for (std::int64_t i = 0; i < count; ++i) {
      out[i] = representable[static_cast<std::size_t>(i)] != 0 ? log_q_z[i] - change[i]
                                                               : -std::numeric_limits<double>::infinity();
    }
  }
  return result;
}

}  // namespace boltzflow
