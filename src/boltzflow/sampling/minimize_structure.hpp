// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/sampling/minimize_energy.hpp"

namespace boltzflow {

/// Minimises a system's own structure, with stiff bonds (3e5 kJ/mol/nm^2) for constraints that have no harmonic term;
/// dynamics then begin close enough to the constraints to move onto them. The energy is that of the system itself.
/// @throws InputError if the system has no structure, and as minimize_energy.
MinimizationResult minimize_structure(const MolecularSystem& system, const MinimizationOptions& options = {});

}  // namespace boltzflow
