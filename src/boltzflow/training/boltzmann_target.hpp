// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "boltzflow/coordinates/coordinate_map.hpp"
#include "boltzflow/energy/reduced_potential.hpp"
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/training/target_density.hpp"

namespace boltzflow {

/// The Boltzmann density of a system's potential through a coordinate map. Its basins are, for every phi torsion of the
/// system, 0 < phi < 2.2 rad: the left-handed region, rare and the first to be lost. (Angles above 2.2 rad belong to
/// the extended region, which continues across -pi.)
class BoltzmannTarget final : public TargetDensity {
 public:
  /// The arguments must outlive it.
  BoltzmannTarget(const MolecularSystem& system, const CoordinateMap& coordinates, const ReducedPotential& potential);

  int dimension() const override { return coordinates_.dimension(); }
  std::string description() const override;
  void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                std::span<std::uint32_t> basins, std::span<float> score) const override;
  std::vector<std::string> basin_names() const override;

 private:
  const MolecularSystem& system_;
  const CoordinateMap& coordinates_;
  const ReducedPotential& potential_;
};

}  // namespace boltzflow
