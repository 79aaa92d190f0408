// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>
#include <string_view>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

inline constexpr std::array<std::string_view, 5> generalized_born_model_names = {"HCT", "OBC1", "OBC2", "GBn", "GBn2"};

/// This returns the constants of a model as OpenMM's implicit solvents have them (implicit/*.xml, AmberPrmtopFile): the
/// CustomGBForce form without the particle-inside term, dielectrics 1 and 78.5, ACE surface term 28.3919551. Particles,
/// GBn2's coefficients and necks depend on the atoms and are empty. OpenMM's GBSAOBCForce is OBC2 with the
/// particle-inside term, coulomb_constant and 4 pi 2.25936 instead.
/// @param name one of generalized_born_model_names.
/// @throws InputError for any other name.
/// @cite HCT: Hawkins, Cramer & Truhlar, J. Phys. Chem. 100 (1996) 19824; OBC1, OBC2: Onufriev, Bashford & Case,
///       Proteins 55 (2004) 383; GBn: Mongan, Simmerling, McCammon, Case & Onufriev, J. Chem. Theory Comput. 3 (2007)
///       156; GBn2: Nguyen, Roe & Simmerling, J. Chem. Theory Comput. 9 (2013) 2020.
GeneralizedBorn generalized_born_model(std::string_view name);

/// GBn2's alpha, beta and gamma of an element ("C") in proteins; 1, 0.8, 4.851 for elements it has none for.
GeneralizedBorn::Coefficients gbn2_coefficients(std::string_view element);

/// This returns the necks of atoms with these radii: the published tables, interpolated bilinearly between radii of
/// 0.1, 0.105, ... 0.2 nm.
/// @param radii one per atom, o_i + offset, nm, in [0.1, 0.2].
/// @param scale 0.361825 for GBn, 0.826836 for GBn2.
/// @throws InputError for a radius outside.
BornNeck born_neck(std::span<const double> radii, double scale);

}  // namespace boltzflow
