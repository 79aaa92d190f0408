// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/sampling/kernels/constraints.hpp"

namespace boltzflow::sampling {

/// Fixed distances, sorted into clusters that share no atom: what the kernels take.
class ConstraintClusters {
 public:
  /// @param masses [n_atoms] amu.
  /// @throws InputError if an index is out of range, a pair comes twice or is one atom, or a distance is not positive.
  ConstraintClusters(std::span<const DistanceConstraint> constraints, std::span<const double> masses);

  bool empty() const noexcept { return rows_.empty(); }
  int size() const noexcept { return static_cast<int>(rows_.size()); }
  ConstraintTable table() const noexcept {
    return {static_cast<std::int32_t>(first_row_.size()) - 1, first_row_.data(), rows_.data()};
  }

 private:
  std::vector<ConstraintRow> rows_;
  std::vector<std::int32_t> first_row_;
};

}  // namespace boltzflow::sampling
