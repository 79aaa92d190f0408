// SPDX-License-Identifier: MIT
#pragma once
#include <memory>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow {

/// This makes the potential that a system names: its analytic target at a temperature in K, its shared library, or else
/// the force field of its tables. @throws as make_analytic_target(), load_energy_plugin(), make_force_field().
std::unique_ptr<Potential> make_potential(const MolecularSystem& system, double temperature);

}  // namespace boltzflow
