// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>
#include <string>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// This makes the topology of a peptide from its sequence, residue by residue from the force field's templates, atoms
/// in their order and with their names.
///
/// "ACE-ALA-ALA-NME" has caps; without them the ends are charged (NH3+, COO-). The 20 amino acids have their usual
/// protonation at pH 7: ASP and GLU are charged, LYS and ARG, too, HIS has its hydrogen on NE2; HID, HIE, HIP, ASH, GLH
/// and LYN ask for another. ACE can come first only, NME and NHE last only. CYS has its hydrogen; in a disulphide it
/// has none, and may be written CYX.
/// @param disulphides pairs of residues, counted from 1 with the caps, each CYS or CYX, whose sulphurs are bonded.
/// @throws InputError for an empty or unknown residue (with the list of those known), a lone amino acid without caps,
///         residues that cannot be joined, disulphides of other or of no residues, and a CYX without a disulphide.
Topology peptide_topology(const std::string& sequence, const ForceFieldDefinition& force_field,
                          std::span<const std::array<int, 2>> disulphides = {});

}  // namespace boltzflow
