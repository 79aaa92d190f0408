// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/sampling/minimize_energy.hpp"

namespace boltzflow {

/// Minimises a system's own structure, with stiff bonds (3e5 kJ/mol/nm^2) for constraints that have no harmonic term;
/// dynamics then begin close enough to the constraints to move onto them. Bonds that the structure leaves open, longer
/// than 1.5 times their length (disulphides of start_structure), are first drawn together, at 200, 2,000 and
/// 20,000 kJ/mol/nm^2, so that torsions give way and not the centres near them. The energy is that of the system
/// itself; iterations and evaluations are those of all stages.
/// @throws InputError if the system has no structure, and as minimize_energy.
MinimizationResult minimize_structure(const MolecularSystem& system, const MinimizationOptions& options = {});

}  // namespace boltzflow
