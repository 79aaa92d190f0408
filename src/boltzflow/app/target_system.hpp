// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/flow/flow_options.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {

/// The system a user names to train on: everything load_system() knows, and the analytic targets by their names.
/// @param energy_library a shared library that gives the energy in place of the system's own terms, or "".
/// @throws as load_system(); InputError if a library is to give the energy of an analytic target.
MolecularSystem load_target_system(const std::string& name_or_path, const LoadOptions& options,
                                   const std::string& energy_library);

/// The coordinates that a flow of this architecture has on a system: internal coordinates or a box for splines, scaled
/// Cartesian ones for the others.
/// @param centre_of_mass of Cartesian coordinates, "helmert" or "noise".
/// @param scale of Cartesian coordinates, nm: that of the data; 0: the spread of the system's own structure.
/// @throws ConfigurationError if there are none for this architecture.
CoordinateOptions coordinates_of(const MolecularSystem& system, const FlowOptions& flow,
                                 const std::string& centre_of_mass, double scale);

}  // namespace boltzflow
