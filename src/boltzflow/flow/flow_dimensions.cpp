// SPDX-License-Identifier: MIT
#include "boltzflow/flow/flow_dimensions.hpp"

#include <fmt/format.h>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

std::vector<FlowDimension> flow_dimensions(const InternalCoordinates& coordinates) {
  const ZMatrix& z_matrix = coordinates.z_matrix();
  const auto index = [](int atom) { return static_cast<std::size_t>(atom); };
  std::vector<int> level(index(coordinates.n_atoms()), -1);
  for (int k = 0; k < 3; ++k) level[index(z_matrix.root[index(k)])] = k;
  // A row may hang on an atom that a later row places, so sweep until nothing changes.
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& row : z_matrix.rows) {
      if (level[index(row.atom)] >= 0 || level[index(row.bond)] < 0) continue;
      level[index(row.atom)] = level[index(row.bond)] + 1;
      changed = true;
    }
  }
  std::vector<FlowDimension> dimensions;
  for (const auto& coordinate : coordinates.dimensions()) {
    if (level[index(coordinate.atom)] < 0) {
      throw InputError(fmt::format("atom {} has no bond path to the Z-matrix's root", coordinate.atom));
    }
    dimensions.push_back({coordinate.circular(), static_cast<int>(coordinate.kind), level[index(coordinate.atom)]});
  }
  return dimensions;
}

}  // namespace boltzflow
