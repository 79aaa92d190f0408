// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/constrain_hydrogen_bonds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

void constrain_hydrogen_bonds(MolecularSystem& system) {
  std::set<std::pair<int, int>> fixed;
  for (const DistanceConstraint& c : system.constraints) fixed.insert(std::minmax(c.i, c.j));
  std::map<std::pair<int, int>, double> lengths;
  for (const HarmonicBond& b : system.harmonic_bonds) lengths[std::minmax(b.i, b.j)] = b.length;
  for (const auto& [i, j] : system.bonds) {
    const Atom &a = system.atoms[i], &b = system.atoms[j];
    const std::pair<int, int> pair = std::minmax(i, j);
    if ((a.element != "H" && b.element != "H") || fixed.contains(pair)) continue;
    const auto length = lengths.find(pair);
    if (length == lengths.end())
      throw InputError(system.name, fmt::format("the bond of atoms {} \"{}\" and {} \"{}\" (counted from 0) has no "
                                                "harmonic term to take a fixed length from",
                                                i, a.name, j, b.name));
    system.constraints.push_back({pair.first, pair.second, length->second});
    fixed.insert(pair);
  }
  std::erase_if(system.harmonic_bonds, [&](const HarmonicBond& b) { return fixed.contains(std::minmax(b.i, b.j)); });
}

}  // namespace boltzflow
