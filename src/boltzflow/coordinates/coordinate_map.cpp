// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/coordinate_map.hpp"

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

void CoordinateMap::to_cartesian_gradient(std::span<const float>, std::span<const float>, std::span<const double>,
                                          std::span<float>) const {
  throw UnavailableError("these coordinates have no gradient from positions, which training with forces needs");
}

}  // namespace boltzflow
