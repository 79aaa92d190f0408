// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow {

/// The literature's regularisation of reduced energies: linear to `cut`, then cut + log(u - cut + 1), at most
/// `maximum`.
struct EnergyRegularization {
  double cut = 1e8;       ///< kT
  double maximum = 1e20;  ///< kT, applied before the logarithm
};

/// Regularises one reduced energy; NaN stays NaN, +inf becomes the regularised maximum, -inf becomes NaN.
double regularize(double reduced_energy, const EnergyRegularization& regularization) noexcept;

/// This is the reduced energy u = U / (R T) of a potential at a temperature, regularised, with every evaluation
/// counted.
class ReducedPotential {
 public:
  ReducedPotential(std::shared_ptr<const Potential> potential, double temperature,
                   EnergyRegularization regularization = {});

  /// positions [n_samples, potential().dimension()] nm -> reduced_energy [n_samples], regularised; NaN where the
  /// potential gave NaN. Adds n_samples to n_evaluations() and the number of NaN to n_non_finite().
  void reduced_energy(std::span<const float> positions, std::span<double> reduced_energy) const;
  void reduced_energy(std::span<const double> positions, std::span<double> reduced_energy) const;
  /// gradient is du/dx of the regularised energy, 1/nm.
  void reduced_energy_and_gradient(std::span<const float> positions, std::span<double> reduced_energy,
                                   std::span<float> gradient) const;

  const Potential& potential() const noexcept { return *potential_; }
  double temperature() const noexcept { return temperature_; }
  std::int64_t n_evaluations() const noexcept { return n_evaluations_.load(); }
  std::int64_t n_non_finite() const noexcept { return n_non_finite_.load(); }
  /// For resuming: the counts go on from here.
  void restore_counts(std::int64_t n_evaluations, std::int64_t n_non_finite) noexcept;

 private:
  void finish(std::span<double> energy) const;

  std::shared_ptr<const Potential> potential_;
  double temperature_;
  EnergyRegularization regularization_;
  mutable std::atomic<std::int64_t> n_evaluations_{0}, n_non_finite_{0};
};

}  // namespace boltzflow
