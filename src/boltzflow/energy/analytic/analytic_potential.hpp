// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow::energy {

/// A Potential of one formula, evaluated in float64 one configuration at a time, whatever the precision of the
/// positions.
class AnalyticPotential : public Potential {
 public:
  /// n_atoms is 0 for targets that are no particles in space.
  AnalyticPotential(std::string description, int dimension, int n_atoms, double temperature);

  int n_atoms() const noexcept final { return n_atoms_; }
  int dimension() const noexcept final { return dimension_; }
  std::string description() const final { return description_; }
  void energy(std::span<const float> positions, std::span<double> energy) const final;
  void energy(std::span<const double> positions, std::span<double> energy) const final;
  void energy_and_gradient(std::span<const float> positions, std::span<double> energy,
                           std::span<float> gradient) const final;
  void energy_and_gradient(std::span<const double> positions, std::span<double> energy,
                           std::span<double> gradient) const final;
  std::vector<std::string> term_names() const final { return {"energy"}; }
  void energy_terms(std::span<const double> positions, std::span<double> terms) const final;

 protected:
  /// u(x) of x [dimension], and du/dx into gradient [dimension], which comes in as zeros.
  virtual double reduced_energy(const double* x, double* gradient) const = 0;

 private:
  template <class Scalar>
  void evaluate(std::span<const Scalar> positions, std::span<double> energy, std::span<Scalar> gradient) const;

  std::string description_;
  int dimension_, n_atoms_;
  double thermal_energy_;
};

std::unique_ptr<Potential> make_gaussian_mixture(double temperature);
std::unique_ptr<Potential> make_double_well(double temperature);
std::unique_ptr<Potential> make_mueller_brown(double temperature);
std::unique_ptr<Potential> make_many_well(double temperature);
std::unique_ptr<Potential> make_lennard_jones_13(double temperature);

}  // namespace boltzflow::energy
