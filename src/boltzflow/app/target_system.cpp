// SPDX-License-Identifier: MIT
#include "boltzflow/app/target_system.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/aligned_coordinates.hpp"
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

namespace {

CoordinateOptions euclidean_coordinates(const MolecularSystem& system, const FlowOptions& flow,
                                        const CartesianDataSetOptions& options, const CartesianDataSet* data) {
  if (system.n_atoms() == 0)
    throw ConfigurationError(
        fmt::format("flow.architecture: \"{}\" lives on the coordinates of atoms, and {} has none; "
                    "use \"spline\"",
                    flow.architecture, system.name));
  if (options.coordinates == "aligned") {
    if (!data)
      throw ConfigurationError(
          "data.coordinates: \"aligned\" ones are made from frames; give a trajectory with --data, or use "
          "\"cartesian\"");
    const auto map = AlignedCoordinates::whitened(data->positions(CartesianDataSet::Part::training), system.n_atoms());
    return {.kind = "aligned",
            .reference = {map.reference().begin(), map.reference().end()},
            .columns = {map.columns().begin(), map.columns().end()}};
  }
  const double scale = data                       ? data->coordinates().scale()
                       : system.positions.empty() ? 1
                                                  : cartesian_scale(system.positions, system.n_atoms());
  return {.kind = "cartesian", .scale = scale, .centre_of_mass = options.centre};
}

}  // namespace

CoordinateOptions coordinates_of(const MolecularSystem& system, const FlowOptions& flow,
                                 const CartesianDataSetOptions& options, const CartesianDataSet* data) {
  const AnalyticTarget* target = find_analytic_target(system.analytic_target);
  if (flow.is_euclidean()) return euclidean_coordinates(system, flow, options, data);
  if (options.coordinates == "aligned")
    throw ConfigurationError(
        "data.coordinates: flow.architecture = \"spline\" lives on internal coordinates, not on \"aligned\" ones; use "
        "another architecture, such as \"nsf-coupling\"");
  if (!target) return {};
  if (system.n_atoms() > 0)
    throw ConfigurationError(
        fmt::format("flow.architecture: \"spline\" needs internal coordinates, and {} has no bonds; "
                    "use an architecture for Cartesian coordinates, such as \"nsf-coupling\"",
                    system.name));
  return {.kind = "box", .lower = target->lower, .upper = target->upper, .dimension = target->dimension};
}

}  // namespace boltzflow
