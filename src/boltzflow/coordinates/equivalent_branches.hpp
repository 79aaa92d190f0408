// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Two or more parts of a molecule on one atom that differ in nothing but their names: the hydrogens of a methyl group,
/// the methyl groups of leucine, the sides of a phenyl ring, NH1 and NH2 of arginine.
struct EquivalentBranches {
  int centre;
  /// Atoms of each branch, the one bonded to the centre first; branches[i][k] and branches[j][k] correspond.
  std::vector<std::vector<int>> branches;
};

/// This finds all of them from the bond graph, the elements and, where there are any, nonbonded parameters: exchanging
/// two branches atom by atom leaves every bond in place. Branches that hold a stereocentre are left out, as exchanging
/// them may turn one form into the other. Large branches come first, so that those inside them come after.
std::vector<EquivalentBranches> find_equivalent_branches(const MolecularSystem& system);

}  // namespace boltzflow
