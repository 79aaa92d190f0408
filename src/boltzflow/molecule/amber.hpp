// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The implicit solvent to put around the molecule of a prmtop, as OpenMM's AmberPrmtopFile.createSystem does with
/// implicitSolvent: radii from the file's RADII; scale factors from its SCREEN for HCT, OBC1 and OBC2, and by element
/// for GBn and GBn2, whose own they are. All with the ACE surface term (2.25936 kJ/mol/nm^2), dielectrics 1 and 78.5,
/// no salt. OBC2 is OpenMM's GBSAOBCForce (with the particle-inside term), the others are its CustomGBForces.
enum class AmberSolvent { none, hct, obc1, obc2, gbn, gbn2 };

/// The solvent of a name: "none", "hct", "obc1", "obc2", "gbn" or "gbn2". @throws InputError for any other.
AmberSolvent amber_solvent(std::string_view name);

/// The solvent's name among generalized_born_model_names; "" for none.
std::string_view born_model(AmberSolvent solvent);

/// This reads an Amber topology (prmtop, the "%FLAG" format since Amber 7) as OpenMM's AmberPrmtopFile does with
/// NoCutoff and no constraints: U = K (r - r0)^2 becomes a force constant 2K; 1-4 pairs come from the proper dihedrals,
/// divided by SCEE and SCNB (1.2 and 2 where the file has none); phases stay as written; charges are divided
/// by 18.2223.
/// @param coordinates an ASCII restart file (inpcrd, crd, rst7): positions, and velocities that are passed over.
/// @throws MissingInputError, IoError; InputError with file:line for missing or short sections, indices out of range,
///         periodic boxes, extra points, perturbed, CHARMM (CHAMBER), CMAP, 10-12, 12-6-4 and off-diagonal (NBFIX)
///         parameters, radii outside the tables of GBn and GBn2, and coordinates that do not match.
MolecularSystem read_amber(const std::filesystem::path& prmtop,
                           const std::optional<std::filesystem::path>& coordinates = std::nullopt,
                           AmberSolvent solvent = AmberSolvent::none);

/// This reads the positions of an ASCII restart file, [n_atoms, 3] nm. @throws as read_amber.
std::vector<double> read_amber_coordinates(const std::filesystem::path& path);

}  // namespace boltzflow
