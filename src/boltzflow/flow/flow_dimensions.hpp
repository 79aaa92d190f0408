// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/flow/spline_flow.hpp"

namespace boltzflow {

/// The flow's view of internal coordinates: torsions are circles; bonds, angles and torsions are fields 0, 1 and 2; the
/// level of a coordinate is how many bonds of the Z-matrix lie between the atom that it places and the first root atom.
/// @throws InputError if the Z-matrix does not reach an atom.
std::vector<FlowDimension> flow_dimensions(const InternalCoordinates& coordinates);

}  // namespace boltzflow
