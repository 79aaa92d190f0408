// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Fixes every covalent bond with a hydrogen at the length of its harmonic term, and takes that term out of the energy
/// (it would be constant), as OpenMM's createSystem does with constraints=HBonds. Bonds that are fixed already stay so.
/// @throws InputError if a bond with a hydrogen has neither a harmonic term nor a constraint.
void constrain_hydrogen_bonds(MolecularSystem& system);

}  // namespace boltzflow
