// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/energy/reference/conformation.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow::energy::reference {

/// This adds the Born and surface energies of a conformation to `terms` (kJ/mol) and their gradient to `x`, straight
/// from the equations of docs/energy.md: O(n_atoms^2) in float64.
void add_generalized_born(const GeneralizedBorn& born, int n_atoms, Conformation& x, Terms& terms);

}  // namespace boltzflow::energy::reference
