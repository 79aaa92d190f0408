// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This returns the symbol of the element with an atomic number in [1, 86], "" for others.
std::string_view element_symbol(int atomic_number);

/// This returns the atomic mass of an element in amu (IUPAC abridged weights), 0 for an unknown symbol.
double element_mass(std::string_view symbol);

/// Fills in the element of every atom that has none, from its mass and its bonds. Masses that were moved from heavy
/// atoms to their hydrogens (repartitioning) are recognised: an atom of up to 4.5 amu with one bond is a hydrogen, and
/// what its hydrogens have gained is given back to a heavy atom before the look-up. An atom that fits no element within
/// 0.3 amu keeps the empty symbol.
void derive_elements(MolecularSystem& system);

}  // namespace boltzflow
