// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/energy/reduced_potential.hpp"
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/training/target_density.hpp"

namespace boltzflow {

/// A molecule's Boltzmann density through its internal coordinates. Its basins are, for every phi torsion of the
/// system, 0 < phi < 2.2 rad: the left-handed region, rare and the first to be lost. (Angles above 2.2 rad belong to
/// the extended region, which continues across -pi.)
class MolecularTarget final : public TargetDensity {
 public:
  /// The arguments must outlive it.
  MolecularTarget(const MolecularSystem& system, const InternalCoordinates& coordinates,
                  const ReducedPotential& potential);

  int dimension() const override { return coordinates_.dimension(); }
  std::string description() const override;
  void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                std::span<std::uint32_t> basins) const override;
  std::vector<std::string> basin_names() const override;

 private:
  const MolecularSystem& system_;
  const InternalCoordinates& coordinates_;
  const ReducedPotential& potential_;
};

}  // namespace boltzflow
