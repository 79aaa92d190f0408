// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/force_field_definition.hpp"

namespace boltzflow {

/// This reads OpenMM ForceField XML files as one force field, as OpenMM's Python layer does: AtomTypes and Residues of
/// all files first, <Include> files beside the one that names them or in `folders`, then HarmonicBondForce,
/// HarmonicAngleForce, PeriodicTorsionForce (proper and improper, every ordering), NonbondedForce (charges of types or
/// of residues) and GBSAOBCForce. Definitions that name a type or class nobody defines are left out.
/// @throws MissingInputError, IoError; InputError with file:line for XML that is broken, any other section (naming it),
///         virtual sites and patches, duplicate types and templates, values that are no finite numbers.
ForceFieldDefinition read_openmm_force_field(std::span<const std::filesystem::path> files,
                                             std::span<const std::filesystem::path> folders = {});

}  // namespace boltzflow
