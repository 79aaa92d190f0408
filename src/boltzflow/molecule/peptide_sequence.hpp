// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// This makes the topology of a peptide from its sequence, residue by residue from the force field's templates, atoms
/// in their order and with their names.
///
/// "ACE-ALA-ALA-NME" has caps; without them the ends are charged (NH3+, COO-). The 20 amino acids have their usual
/// protonation at pH 7: ASP and GLU are charged, LYS and ARG, too, HIS has its hydrogen on NE2; HID, HIE, HIP, ASH, GLH
/// and LYN ask for another. ACE can come first only, NME and NHE last only.
/// @throws InputError for an empty or unknown residue (with the list of those known), a lone amino acid without caps,
/// and
///         residues that cannot be joined.
Topology peptide_topology(const std::string& sequence, const ForceFieldDefinition& force_field);

}  // namespace boltzflow
