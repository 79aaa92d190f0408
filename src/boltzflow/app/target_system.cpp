// SPDX-License-Identifier: MIT
#include "boltzflow/app/target_system.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/cartesian_coordinates.hpp"
#include "boltzflow/energy/analytic_targets.hpp"

namespace boltzflow {

MolecularSystem load_target_system(const std::string& name_or_path, const LoadOptions& options,
                                   const std::string& energy_library) {
  MolecularSystem system =
      find_analytic_target(name_or_path) ? make_analytic_system(name_or_path) : load_system(name_or_path, options);
  if (energy_library.empty()) return system;
  if (!system.analytic_target.empty())
    throw InputError("energy.library: " + system.name + " has an energy of its own; leave the library out");
  system.energy_library = std::filesystem::absolute(energy_library).lexically_normal().string();
  system.description += (system.description.empty() ? "" : ", ") + ("energy of " + system.energy_library);
  return system;
}

CoordinateOptions coordinates_of(const MolecularSystem& system, const FlowOptions& flow,
                                 const std::string& centre_of_mass, double scale) {
  const AnalyticTarget* target = find_analytic_target(system.analytic_target);
  if (flow.is_euclidean()) {
    if (system.n_atoms() == 0)
      throw ConfigurationError(
          fmt::format("flow.architecture: \"{}\" lives on the coordinates of atoms, and {} has none; "
                      "use \"spline\"",
                      flow.architecture, system.name));
    if (scale == 0) scale = system.positions.empty() ? 1 : cartesian_scale(system.positions, system.n_atoms());
    return {.kind = "cartesian", .scale = scale, .centre_of_mass = centre_of_mass};
  }
  if (!target) return {};
  if (system.n_atoms() > 0)
    throw ConfigurationError(
        fmt::format("flow.architecture: \"spline\" needs internal coordinates, and {} has no bonds; "
                    "use an architecture for Cartesian coordinates, such as \"nsf-coupling\"",
                    system.name));
  return {.kind = "box", .lower = target->lower, .upper = target->upper, .dimension = target->dimension};
}

}  // namespace boltzflow
