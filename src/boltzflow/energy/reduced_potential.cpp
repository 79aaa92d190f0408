// SPDX-License-Identifier: MIT
#include "boltzflow/energy/reduced_potential.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

struct Regularized {
  double value, slope;  ///< slope: d value / d reduced_energy
};

Regularized regularize_with_slope(double u, const EnergyRegularization& r) noexcept {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (std::isnan(u) || u == -infinity) return {std::numeric_limits<double>::quiet_NaN(), 0};
  if (u <= r.cut) return {u, 1};
  const double excess = std::min(u, r.maximum) - r.cut + 1;
  return {r.cut + std::log(excess), u < r.maximum ? 1 / excess : 0};
}

}  // namespace

double regularize(double reduced_energy, const EnergyRegularization& regularization) noexcept {
  return regularize_with_slope(reduced_energy, regularization).value;
}

ReducedPotential::ReducedPotential(std::shared_ptr<const Potential> potential, double temperature,
                                   EnergyRegularization regularization)
    : potential_(std::move(potential)), temperature_(temperature), regularization_(regularization) {
  if (!potential_) throw InputError("a reduced potential needs a potential, but got none");
  if (!(temperature > 0) || !std::isfinite(temperature))
    throw InputError(fmt::format("temperature: {} K is not a positive number", temperature));
  if (!(regularization.cut <= regularization.maximum))
    throw InputError(fmt::format("energy regularisation: the cut {} is above the maximum {}", regularization.cut,
                                 regularization.maximum));
}

void ReducedPotential::reduced_energy(std::span<const float> positions, std::span<double> reduced_energy) const {
  potential_->energy(positions, reduced_energy);
  finish(reduced_energy);
}

void ReducedPotential::reduced_energy(std::span<const double> positions, std::span<double> reduced_energy) const {
  potential_->energy(positions, reduced_energy);
  finish(reduced_energy);
}

void ReducedPotential::reduced_energy_and_gradient(std::span<const float> positions, std::span<double> reduced_energy,
                                                   std::span<float> gradient) const {
  potential_->energy_and_gradient(positions, reduced_energy, gradient);
  const double inverse_thermal_energy = 1 / thermal_energy(temperature_);
  const auto n_coordinates = static_cast<std::size_t>(potential_->dimension());
  std::int64_t n_non_finite = 0;
  for (std::size_t s = 0; s < reduced_energy.size(); ++s) {
    const auto [value, slope] = regularize_with_slope(reduced_energy[s] * inverse_thermal_energy, regularization_);
    reduced_energy[s] = value;
    n_non_finite += std::isnan(value);
    // A NaN energy keeps its gradient as it is; a slope of 0 must win over an infinite gradient.
    const auto factor = static_cast<float>((std::isnan(value) ? 1 : slope) * inverse_thermal_energy);
    for (float& g : gradient.subspan(s * n_coordinates, n_coordinates)) g = factor == 0 ? 0.0f : g * factor;
  }
  n_evaluations_ += static_cast<std::int64_t>(reduced_energy.size());
  n_non_finite_ += n_non_finite;
}

void ReducedPotential::finish(std::span<double> reduced_energy) const {
  const double inverse_thermal_energy = 1 / thermal_energy(temperature_);
  std::int64_t n_non_finite = 0;
  for (double& u : reduced_energy) {
    u = regularize(u * inverse_thermal_energy, regularization_);
    n_non_finite += std::isnan(u);
  }
  n_evaluations_ += static_cast<std::int64_t>(reduced_energy.size());
  n_non_finite_ += n_non_finite;
}

void ReducedPotential::restore_counts(std::int64_t n_evaluations, std::int64_t n_non_finite) noexcept {
  n_evaluations_ = n_evaluations;
  n_non_finite_ = n_non_finite;
}

}  // namespace boltzflow
