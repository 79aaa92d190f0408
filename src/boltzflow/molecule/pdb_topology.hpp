// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// This reads the first model of a PDB file as a molecule for a force field.
///
/// Bonds between heavy atoms are those of the force field's templates of the residue's name (HIS, CYS and terminal
/// residues have several), by the names of atoms; hydrogens go to the nearest heavy atom of their residue, whatever
/// their names. C and N of neighbouring residues of a chain are bonded, and sulphurs of CYS or CYX that SSBOND or CONECT
/// records bond, or that carry no hydrogen and are within 0.3 nm of each other. Some other names are understood (CD of
/// ILE, C of NME, OT1 and OT2); where a residue's names are not all those of its template, its hydrogens take the
/// template's names.
/// @throws MissingInputError, IoError; InputError with file:line for records as read_pdb, alternate locations,
///         insertion codes, residues the force field does not know, atoms that are not part of their residue, atoms
///         named twice, no hydrogens at all, hydrogens far from everything, breaks of a chain, SSBOND records without
///         their cysteines, cysteines with neither a hydrogen nor a disulphide; and as assign_templates for what is
///         missing.
Topology pdb_topology(const std::filesystem::path& path, const ForceFieldDefinition& force_field);

}  // namespace boltzflow
