// SPDX-License-Identifier: MIT
#pragma once
#include <optional>

#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/xml_source.hpp"

namespace boltzflow {

/// These two turn the <Force> of an OpenMM System into a GeneralizedBorn; its particle count is the caller's to check.
/// @param cutoff of the force, nm, where its method is CutoffNonPeriodic.
/// @throws InputError with file:line.
GeneralizedBorn read_gbsa_obc_force(const XmlSource& xml, const pugi::xml_node& force, std::optional<double> cutoff);

/// A CustomGBForce is a program in strings. OpenMM writes HCT, OBC1, OBC2, GBn and GBn2 in one way only each, and that
/// is what is recognised, blanks aside: the descreening integral with its necks, the Born radius, and the self, surface
/// and pair energies. Constants (dielectrics, Coulomb constant, surface coefficient, probe radius, neck scale and
/// cutoff) are taken from the strings, necks from the tabulated functions getd0 and getm0.
GeneralizedBorn read_custom_gb_force(const XmlSource& xml, const pugi::xml_node& force, std::optional<double> cutoff);

}  // namespace boltzflow
