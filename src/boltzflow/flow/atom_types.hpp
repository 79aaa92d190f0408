// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Integers 0, 1, ... such that two atoms share one exactly if no number of rounds of colour refinement on the bond
/// graph, begun from the elements, tells them apart: the hydrogens of a methyl group, the oxygens of a carboxylate.
/// Numbered in the order in which atoms first have them. @cite Weisfeiler & Leman, NTI 2 (1968) 12.
std::vector<int> topological_atom_types(const MolecularSystem& system);

}  // namespace boltzflow
