// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This is a potential energy of n_atoms particles in Cartesian coordinates, evaluated for many conformations at once.
///
/// Positions are [n_samples, n_atoms, 3] in nm, contiguous; energies [n_samples] in kJ/mol; gradients (dU/dx, not
/// forces) [n_samples, n_atoms, 3] in kJ/mol/nm. Targets that are no particles in space (a mixture in the plane) have
/// n_atoms() = 0, and positions and gradients are [n_samples, dimension()]. n_samples is energy.size(). The float
/// overloads compute in float32 (energies are returned as double), the double overloads in float64. Energies may be
/// infinite or NaN for overlapping atoms or non-finite positions, never a trap; conformations do not influence each
/// other. Thread-safe; parallel over conformations.
/// @throws InputError if the spans' sizes do not fit together.
class Potential {
 public:
  virtual ~Potential() = default;
  virtual int n_atoms() const noexcept = 0;
  /// Coordinates of one sample: 3 n_atoms() for particles.
  virtual int dimension() const noexcept { return 3 * n_atoms(); }
  /// One line for people: "amber force field, 21 bonds, 36 angles, 52 torsions, 231 pairs, OBC1; float32 on avx512".
  virtual std::string description() const = 0;

  virtual void energy(std::span<const float> positions, std::span<double> energy) const = 0;
  virtual void energy(std::span<const double> positions, std::span<double> energy) const = 0;
  virtual void energy_and_gradient(std::span<const float> positions, std::span<double> energy,
                                   std::span<float> gradient) const = 0;
  virtual void energy_and_gradient(std::span<const double> positions, std::span<double> energy,
                                   std::span<double> gradient) const = 0;

  /// Names of the terms the energy is a sum of; at least one.
  virtual std::vector<std::string> term_names() const = 0;
  /// terms is [n_samples, n_terms], float64, kJ/mol; rows sum to energy().
  virtual void energy_terms(std::span<const double> positions, std::span<double> terms) const = 0;
};

/// This returns the batched SIMD potential of a molecular system: harmonic bonds and angles, periodic torsions,
/// Lennard-Jones, Coulomb, generalised Born with surface term. Kernels are chosen by instruction_set() at this call.
std::unique_ptr<Potential> make_force_field(const MolecularSystem& system);

/// The same energy straight from the equations, in float64 loops: the oracle of the tests, selectable everywhere
/// (the float overloads convert and compute in float64).
std::unique_ptr<Potential> make_reference_force_field(const MolecularSystem& system);

}  // namespace boltzflow
