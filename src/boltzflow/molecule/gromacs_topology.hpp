// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <optional>
#include <string_view>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This reads a GROMACS topology of one molecule with the terms of Amber's force fields, without the preprocessor:
/// what `gmx grompp -pp processed.top` writes, or a file that includes nothing. Read are [ defaults ] (nonbonded
/// function 1, combination rule 2), [ atomtypes ], [ bondtypes ], [ pairtypes ], [ angletypes ], [ dihedraltypes ],
/// [ moleculetype ] (nrexcl 3), [ atoms ], [ bonds ] and [ angles ] of function 1, [ pairs ] of function 1,
/// [ dihedrals ] of functions 1, 4 and 9, [ exclusions ], [ system ] and [ molecules ]. Parameters stand in the line or
/// come from the types; of dihedral types that fit, those with the fewest X count, and every line of them. Atoms up to
/// three bonds apart interact only where [ pairs ] lists them, as in GROMACS.
/// @param coordinates a .gro file: positions; velocities and the box are passed over.
/// @param born_model "" for vacuum, or "HCT", "OBC1", "OBC2", "GBn" or "GBn2" (implicit_solvent).
/// @throws MissingInputError, IoError; InputError with file:line for preprocessor lines, other sections and functions,
///         perturbed atoms, parameters that are missing or ambiguous, several molecules, and what is no number or atom.
MolecularSystem read_gromacs(const std::filesystem::path& topology,
                             const std::optional<std::filesystem::path>& coordinates = std::nullopt,
                             std::string_view born_model = "");

}  // namespace boltzflow
