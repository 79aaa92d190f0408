// SPDX-License-Identifier: MIT
#include "boltzflow/energy/make_potential.hpp"

#include "boltzflow/energy/analytic_targets.hpp"
#include "boltzflow/energy/energy_plugin.hpp"

namespace boltzflow {

std::unique_ptr<Potential> make_potential(const MolecularSystem& system, double temperature) {
  if (!system.analytic_target.empty()) return make_analytic_target(system.analytic_target, temperature);
  if (!system.energy_library.empty()) return load_energy_plugin(system.energy_library, system);
  return make_force_field(system);
}

}  // namespace boltzflow
