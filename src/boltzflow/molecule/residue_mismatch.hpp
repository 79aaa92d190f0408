// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// This explains why no template fits a residue: it compares the residue with the templates of its name (also as an N-
/// or C-terminal residue: NALA, CALA) and names what the nearest one has and the residue has not, and the other way
/// round.
/// @param bonded bonded_atoms() of the topology.
/// @throws InputError beginning with the residue's `where`, always.
[[noreturn]] void throw_residue_mismatch(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                                         const TopologyResidue& residue, const ForceFieldDefinition& force_field);

}  // namespace boltzflow
