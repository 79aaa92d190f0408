// SPDX-License-Identifier: MIT
#pragma once
#include <string>

#include "boltzflow/coordinates/cartesian_data_set.hpp"
#include "boltzflow/flow/flow_options.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {

/// The system a user names to train on: everything load_system() knows, and the analytic targets by their names.
/// @param energy_library a shared library that gives the energy in place of the system's own terms, or "".
/// @throws as load_system(); InputError if a library is to give the energy of an analytic target.
MolecularSystem load_target_system(const std::string& name_or_path, const LoadOptions& options,
                                   const std::string& energy_library);

/// The coordinates that a flow of this architecture has on a system: internal coordinates or a box for splines, those
/// of data.coordinates for the others.
/// @param data the trajectory that is learnt from; null: none. Without one the scale of Cartesian coordinates is the
///        spread of the system's own structure.
/// @throws ConfigurationError if there are none for this architecture.
CoordinateOptions coordinates_of(const MolecularSystem& system, const FlowOptions& flow,
                                 const CartesianDataSetOptions& options, const CartesianDataSet* data);

}  // namespace boltzflow
