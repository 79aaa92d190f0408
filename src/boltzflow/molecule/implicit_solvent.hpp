// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "boltzflow/molecule/force_field_definition.hpp"
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {

/// The intrinsic radii of Amber's solvent models, nm (Tsui & Case, Biopolymers 56 (2001) 275; mbondi3: Nguyen, Roe &
/// Simmerling, J. Chem. Theory Comput. 9 (2013) 2020): bondi by element; mbondi with hydrogens by what they are on;
/// mbondi2 with a larger hydrogen on nitrogen only; mbondi3, which makes carboxylate oxygens and ARG's HH and HE
/// hydrogens smaller.
enum class BornRadii { bondi, mbondi, mbondi2, mbondi3 };
std::vector<double> born_radii(const Topology& topology, BornRadii radii);

/// This gives a topology the generalised Born model of OpenMM's implicit/hct.xml, obc1.xml, obc2.xml, gbn.xml or
/// gbn2.xml: mbondi, mbondi2, mbondi2, bondi and mbondi3 radii, screening by element, ACE surface term, dielectrics 1
/// and 78.5, no salt.
/// @param model "HCT", "OBC1", "OBC2", "GBn" or "GBn2".
/// @param charges one per atom, e.
GeneralizedBorn implicit_solvent(std::string_view model, const Topology& topology, std::span<const double> charges);

/// The same for radii that a file gives, nm, and scale factors of the offset radii; where there are none, by element.
/// @throws InputError for a radius that GBn's and GBn2's tables do not reach (born_neck).
GeneralizedBorn implicit_solvent(std::string_view model, std::span<const Atom> atoms, std::span<const double> charges,
                                 std::span<const double> radii, std::span<const double> screens = {});

/// Makes OBC2 what OpenMM's GBSAOBCForce computes: with the particle-inside term and its Coulomb and surface constants.
void use_particle_inside_form(GeneralizedBorn& born);

/// This is OpenMM's GBSAOBCForce with the charges, radii and scales of atom types that a force-field file gives (such
/// as amber99_obc.xml): OBC2 with the particle-inside term, dielectrics 1 and 78.3, surface tension 2.25936
/// kJ/mol/nm^2.
/// @param type one per atom.
/// @throws InputError naming the atom and its type if the force field has no parameters for it.
GeneralizedBorn implicit_solvent_of_types(const ForceFieldDefinition& force_field, const Topology& topology,
                                          const std::vector<int>& type);

}  // namespace boltzflow
