// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "boltzflow/base/transport/integer_costs.hpp"

namespace boltzflow::transport {

struct IntegerAssignment {
  std::vector<std::int32_t> column_of_row, column_dual;  ///< [n]
};

/// The assignment of least cost; c_ij - column_dual_j >= c_i,sigma(i) - column_dual_sigma(i) for all i, j holds
/// exactly. @cite Jonker1987, "A shortest augmenting path algorithm for dense and sparse linear assignment problems".
///
/// Their dense search reads a whole row for every column it settles, which is most of the time. Column duals only ever
/// fall, so reduced costs c_ij - v_j only ever rise: the columns that were near a row once are the only ones that may
/// be near it now, and a search needs none beyond the nearest free column. A short list per row (NearColumns) thus
/// replaces the row in all but a few steps, and the result is the same.
IntegerAssignment shortest_augmenting_paths(const IntegerCosts& costs);

}  // namespace boltzflow::transport
