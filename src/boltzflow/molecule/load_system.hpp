// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// What a system file does not say itself.
struct LoadOptions {
  /// The structure that goes with a topology: a PDB beside a System XML (names, positions), inpcrd/crd/rst7 beside a
  /// prmtop, gro beside a GROMACS topology. Left out, a file of the same name and one of those extensions is used where
  /// there is one.
  std::optional<std::filesystem::path> structure = std::nullopt;
  /// For a prmtop or a GROMACS topology: "none", "hct", "obc1", "obc2", "gbn" or "gbn2".
  std::string generalized_born = "obc1";
};

/// This gives the system a user names: a built-in ("alanine-dipeptide"), or a file: .json (a boltzflow system file),
/// .xml (an OpenMM System), .prmtop or .parm7 (Amber), .top (GROMACS). Rows for new formats go in the table of
/// load_system.cpp.
/// @throws MissingInputError if there is no such built-in and no such file (with the nearest name), InputError if the
///         extension is unknown or the file is wrong.
MolecularSystem load_system(const std::string& name_or_path, const LoadOptions& options = {});

}  // namespace boltzflow
