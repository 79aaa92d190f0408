// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/coordinate_map.hpp"

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

[[noreturn]] void throw_no_gradient() {
  throw UnavailableError("these coordinates have no gradient from positions, which forces in a training need");
}

}  // namespace

void CoordinateMap::to_cartesian_gradient(std::span<const float>, std::span<const float>, std::span<const double>,
                                          std::span<float>) const {
  throw_no_gradient();
}
void CoordinateMap::to_cartesian_gradient(std::span<const double>, std::span<const double>, std::span<const double>,
                                          std::span<double>) const {
  throw_no_gradient();
}

}  // namespace boltzflow
