// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This reads an OpenMM System that was written by XmlSerializer.
///
/// Read are HarmonicBondForce, HarmonicAngleForce, PeriodicTorsionForce, NonbondedForce and GBSAOBCForce (NoCutoff or
/// CutoffNonPeriodic), and the CustomGBForce with which OpenMM's Amber and ForceField readers write HCT, OBC1, OBC2,
/// GBn and GBn2 (with or without the ACE surface term, no salt); CMMotionRemover is ignored; constraints are kept. The
/// bond graph is that of the harmonic bonds and of the constraints that are bonds; elements come from the masses unless
/// the PDB names them.
///
/// @param pdb names, residues and positions (its first model), atoms in the System's order.
/// @throws MissingInputError, IoError; InputError with file:line for XML that is broken, any other force (with what is
///         supported), virtual sites, switching functions and periodic boxes, parameter offsets, numbers that are not
///         finite, indices out of range, counts that disagree.
MolecularSystem read_openmm_system(const std::filesystem::path& xml,
                                   const std::optional<std::filesystem::path>& pdb = std::nullopt);

/// The same from the text of the XML; `origin` begins every error.
MolecularSystem openmm_system_from_xml(std::string_view text, const std::string& origin);

}  // namespace boltzflow
