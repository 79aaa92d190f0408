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
#include "boltzflow/coordinates/internal_coordinates.hpp"

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

BoltzmannGenerator::BoltzmannGenerator(MolecularSystem system, double temperature, CoordinateOptions coordinates,
                                       FlowOptions flow, std::uint64_t seed)
    : system_(std::move(system)),
      temperature_(temperature),
      coordinate_options_(std::move(coordinates)),
      flow_options_(std::move(flow)),
      coordinates_(make_coordinates(system_, coordinate_options_)),
      flow_(make_flow(system_, *coordinates_, flow_options_, seed)) {
  if (!(temperature_ > 0) || !std::isfinite(temperature_)) {
    throw InputError(fmt::format("temperature: {} K is not a positive number", temperature_));
  }
  // Written to the model file, so that files survive a later builder of Z-matrices.
  if (const auto* internal = dynamic_cast<const InternalCoordinates*>(coordinates_.get()))
    system_.z_matrix = internal->z_matrix();
}

BoltzmannGenerator::Sample BoltzmannGenerator::sample(std::int64_t n_samples, RandomStream& random,
                                                      ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  Density::Sample drawn = flow_->sample(n_samples, random, precision);
  const std::int64_t size = coordinates_->configuration_size();
  Sample result{drawn.z.to(at::kCPU), at::empty({n_samples, size}, at::kDouble), drawn.log_prob.to(at::kCPU),
                at::empty({n_samples}, at::kDouble)};
  for (std::int64_t first = 0; first < n_samples; first += chunk) {
    const std::int64_t count = std::min(chunk, n_samples - first);
    const at::Tensor z = result.z.narrow(0, first, count).to(at::kDouble).t().contiguous();
    at::Tensor positions = result.positions.narrow(0, first, count), log_det = result.log_det.narrow(0, first, count);
    coordinates_->to_cartesian(constant_values(z), values(positions), values(log_det));
  }
  result.log_prob = result.log_prob - result.log_det;
  if (system_.n_atoms() > 0) result.positions = result.positions.view({n_samples, system_.n_atoms(), 3});
  return result;
}

at::Tensor BoltzmannGenerator::log_prob(const at::Tensor& positions, ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  const std::int64_t size = coordinates_->configuration_size();
  if (positions.dim() < 1 || positions.numel() != positions.size(0) * size)
    throw InputError(fmt::format("log_prob needs positions of {} numbers a frame", size));
  const std::int64_t n = positions.size(0);
  at::Tensor result = at::empty({n}, at::kDouble);
  for (std::int64_t first = 0; first < n; first += chunk) {
    const std::int64_t count = std::min(chunk, n - first);
    const at::Tensor part = positions.narrow(0, first, count).to(at::kCPU, at::kDouble).contiguous();
    at::Tensor z = at::empty({flow_->dimension(), count}, at::kDouble), log_det = at::empty({count}, at::kDouble);
    std::vector<std::uint8_t> representable(static_cast<std::size_t>(count));
    coordinates_->from_cartesian(constant_values(part), values(z), values(log_det), representable);
    const at::Tensor log_q = flow_->log_prob_no_grad(z.t().to(at::kFloat).contiguous(), precision).to(at::kCPU);
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
