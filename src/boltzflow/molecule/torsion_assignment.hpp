// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/residue_matching.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// This gives every four bonded atoms i-j-k-l the proper torsions of the first definition for their types, one without
/// wildcards before one with; terms of force constant 0 are left out.
/// @param type [n_atoms] index into ForceFieldDefinition::types.
std::vector<PeriodicTorsion> proper_torsions(const std::vector<std::vector<int>>& bonded, const std::vector<int>& type,
                                             const ForceFieldDefinition& force_field);

/// This gives every atom with three or more neighbours the improper torsions of its types, with the order of atoms that
/// OpenMM chooses: for ImproperOrdering::standard by element and index, for amber by residue and place in the template
/// where two atoms could change places. As in OpenMM the choice for the first centre of given types holds for all later
/// ones. The centre is the third atom (smirnoff: the first, in three cyclic permutations).
std::vector<PeriodicTorsion> improper_torsions(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                                               const std::vector<int>& type, const TemplateAssignment& templates,
                                               const ForceFieldDefinition& force_field);

}  // namespace boltzflow
