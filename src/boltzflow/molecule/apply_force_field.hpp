// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// What stands for the solvent: nothing, one of OpenMM's implicit/*.xml, or the GBSAOBCForce of a force-field file.
enum class ImplicitSolvent { vacuum, hct, obc1, obc2, gbn, gbn2, of_types };

struct ForceFieldOptions {
  ImplicitSolvent solvent = ImplicitSolvent::vacuum;
  bool fix_hydrogen_bonds = false;  ///< bonds to hydrogens become constraints and lose their harmonic term
  std::optional<double> cutoff;     ///< nm; CutoffNonPeriodic with a reaction-field dielectric of 1, also in vacuum
};

/// This turns a topology into a system: finds the template of every residue (assign_templates), then masses, bonds,
/// angles, proper and improper torsions, charges, Lennard-Jones parameters, exclusions of 1-2 and 1-3 pairs, scaled 1-4
/// pairs, and the solvent, term for term as OpenMM's ForceField.createSystem with nonbondedMethod NoCutoff (or
/// CutoffNonPeriodic) does. Terms with a force constant of 0 are left out.
/// @throws InputError as assign_templates; and naming the atoms, their residue and types if a bond, an angle or an atom
///         has no parameters (torsions may have none), or a template's type is without a nonbonded definition.
MolecularSystem apply_force_field(const ForceFieldDefinition& force_field, const Topology& topology,
                                  const ForceFieldOptions& options = {});

}  // namespace boltzflow
