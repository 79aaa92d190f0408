// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/xml_source.hpp"

namespace boltzflow {

/// These two turn the <Force> of an OpenMM System into a GeneralizedBorn; its particle count is the caller's to check.
/// @throws InputError with file:line.
GeneralizedBorn read_gbsa_obc_force(const XmlSource& xml, const pugi::xml_node& force);

/// A CustomGBForce is a program in strings. OpenMM writes OBC1 and OBC2 in one way only, and that is what is
/// recognised, blanks aside: the pairwise descreening integral, the Born radius, and the self, surface and pair
/// energies. Constants (dielectrics, Coulomb constant, surface coefficient, probe radius) are taken from the strings.
GeneralizedBorn read_custom_gb_force(const XmlSource& xml, const pugi::xml_node& force);

}  // namespace boltzflow
