// SPDX-License-Identifier: MIT
#pragma once
#include <array>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The numbers of a Born model that are the same for all atoms.
inline constexpr std::array born_constants{
    &GeneralizedBorn::alpha,
    &GeneralizedBorn::beta,
    &GeneralizedBorn::gamma,
    &GeneralizedBorn::offset,
    &GeneralizedBorn::coulomb_constant,
    &GeneralizedBorn::solute_dielectric,
    &GeneralizedBorn::solvent_dielectric,
    &GeneralizedBorn::surface_coefficient,
    &GeneralizedBorn::probe_radius,
};

}  // namespace boltzflow
