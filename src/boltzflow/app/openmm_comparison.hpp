// SPDX-License-Identifier: MIT
#pragma once
#include <map>
#include <optional>
#include <string>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// OpenMM's energies of a system's reference structure, by the same parameters in OpenMM's own formulas.
struct OpenMMEnergies {
  std::string version;                  ///< of OpenMM
  std::map<std::string, double> terms;  ///< "bonds", "angles", "torsions", "nonbonded", "solvent", kJ/mol
};

/// This asks an installed OpenMM, in a process of its own: the Python named by the environment variable
/// BOLTZFLOW_PYTHON, else those of VIRTUAL_ENV and CONDA_PREFIX, .environment of the working folder, and python3.
/// @returns nothing if none of them has OpenMM, or OpenMM cannot compute this system; then `reason` says why.
std::optional<OpenMMEnergies> openmm_energies(const MolecularSystem& system, std::string& reason);

}  // namespace boltzflow
