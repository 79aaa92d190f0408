// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <optional>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The implicit solvent to put around the molecule of a prmtop; radii and screens come from its RADII and SCREEN.
/// Both with the ACE surface term (2.25936 kJ/mol/nm^2), dielectrics 1 and 78.5, offset 0.009 nm, no salt.
enum class AmberSolvent {
  none,
  obc1,  ///< as OpenMM's CustomGBForce for OBC1: no particle-inside term, Coulomb constant 138.935485
  obc2   ///< as OpenMM's GBSAOBCForce
};

/// This reads an Amber topology (prmtop, the "%FLAG" format since Amber 7) as OpenMM's AmberPrmtopFile does with
/// NoCutoff and no constraints: U = K (r - r0)^2 becomes a force constant 2K; 1-4 pairs come from the proper dihedrals,
/// divided by SCEE and SCNB (1.2 and 2 where the file has none); phases stay as written; charges are divided
/// by 18.2223.
/// @param coordinates an ASCII restart file (inpcrd, crd, rst7): positions, and velocities that are passed over.
/// @throws MissingInputError, IoError; InputError with file:line for missing or short sections, indices out of range,
///         periodic boxes, extra points, perturbed, CHARMM (CHAMBER), CMAP, 10-12, 12-6-4 and off-diagonal (NBFIX)
///         parameters, and coordinates that do not match.
MolecularSystem read_amber(const std::filesystem::path& prmtop,
                           const std::optional<std::filesystem::path>& coordinates = std::nullopt,
                           AmberSolvent solvent = AmberSolvent::none);

/// This reads the positions of an ASCII restart file, [n_atoms, 3] nm. @throws as read_amber.
std::vector<double> read_amber_coordinates(const std::filesystem::path& path);

}  // namespace boltzflow
