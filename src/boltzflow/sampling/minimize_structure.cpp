// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_structure.hpp"

#include <algorithm>
#include <set>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

MinimizationResult minimize_structure(const MolecularSystem& system, const MinimizationOptions& options) {
  if (system.positions.empty())
    throw InputError(system.name, "has no structure to start from; give one with --structure");
  constexpr double stiff = 3e5;
  MolecularSystem bonded = system;
  std::set<std::pair<int, int>> present;
  for (const HarmonicBond& b : system.harmonic_bonds) present.insert(std::minmax(b.i, b.j));
  for (const DistanceConstraint& c : system.constraints)
    if (!present.contains(std::minmax(c.i, c.j))) bonded.harmonic_bonds.push_back({c.i, c.j, c.distance, stiff});
  MinimizationResult result = minimize_energy(*make_force_field(bonded), system.positions, options);
  make_force_field(system)->energy(std::span<const double>(result.positions), {&result.energy, 1});
  return result;
}

}  // namespace boltzflow
