// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// How a molecule becomes a system.
struct BuildOptions {
  std::vector<std::string> force_fields = {"amber99sbildn"};  ///< names or paths (find_force_field_file)
  /// "vacuum", "hct", "obc1", "obc2", "gbn", "gbn2" (OpenMM's implicit/*.xml), or a file with a GBSAOBCForce
  /// ("amber99_obc").
  std::string solvent = "obc2";
  std::vector<std::filesystem::path> force_field_path = {};  ///< folders to look in first
  bool fix_hydrogen_bonds = false;
  /// Of a sequence: pairs of residues (peptide_topology). PDB files name theirs, or have them near each other.
  std::vector<std::array<int, 2>> disulphides = {};
  std::optional<double> cutoff = {};  ///< nm
};

/// This builds a system from a sequence (peptide_topology) or from a PDB file (pdb_topology), with a start structure
/// (start_structure) where there is a sequence only. The structure is not minimised, and disulphides of a sequence are
/// still open in it (minimize_structure closes them).
/// @throws MissingInputError if a force field is not found; InputError as the functions named here and
///         apply_force_field, or for an unknown solvent.
MolecularSystem build_system_from_sequence(const std::string& sequence, const BuildOptions& options = {});
MolecularSystem build_system_from_pdb(const std::filesystem::path& pdb, const BuildOptions& options = {});

/// Moves the hydrogen of every fixed X-H bond along the bond to its distance; other constraints are left alone.
void fit_to_constraints(MolecularSystem& system);

}  // namespace boltzflow
