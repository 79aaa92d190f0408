// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/transport/integer_costs.hpp"
#include "boltzflow/base/transport/kernels/assignment.hpp"

namespace boltzflow::transport {

struct NearColumn {
  std::int32_t column, cost;
  std::int32_t reduced_cost;  ///< c_ij - v_j when the list was made: at most what it is now
};

/// For every row the columns whose reduced cost c_ij - v_j was below a limit when the list was made. Since no v_j ever
/// rises, every column that is below the limit later is among them; and they are ordered, so that a search may stop at
/// the first whose reduced cost was beyond its own limit even then.
class NearColumns {
 public:
  explicit NearColumns(const IntegerCosts& costs);

  /// Columns, by ascending reduced_cost, among which are all with c_ij - dual_j < limit. The list of a row is made anew
  /// if it does not reach that far, with some of `reach` to spare. Null if there are too many for a list to be of use.
  /// Valid until the next call.
  const std::vector<NearColumn>* below(std::int32_t row, std::int32_t limit, std::int32_t reach,
                                       std::span<const std::int32_t> dual);

 private:
  struct List {
    std::int32_t limit;     ///< complete up to here
    std::int32_t too_wide;  ///< known to have too many columns up to here
    std::vector<NearColumn> columns;
  };
  std::int32_t limit_for(const std::int32_t* cost, std::span<const std::int32_t> dual);

  const IntegerCosts& costs_;
  std::vector<List> lists_;
  std::vector<std::int32_t> found_, sample_;
  decltype(&baseline::columns_below) columns_below_ =
      for_this_cpu(&baseline::columns_below, &avx2::columns_below, &avx512::columns_below);
};

}  // namespace boltzflow::transport
