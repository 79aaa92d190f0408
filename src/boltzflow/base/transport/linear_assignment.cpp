// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/linear_assignment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <mutex>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/transport/rounded_costs.hpp"
#include "boltzflow/base/transport/shortest_augmenting_paths.hpp"

namespace boltzflow {
namespace {

struct Range {
  float minimum = std::numeric_limits<float>::infinity(), maximum = -std::numeric_limits<float>::infinity();
};

/// Fills the table with the bits of the float costs, which round_in_place() turns into integers where they lie.
Range write_costs(const CostRow& cost_row, transport::IntegerCosts& table) {
  Range range;
  std::mutex mutex;
  parallel_for(static_cast<std::int64_t>(table.n), 16, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<float> costs(table.n);
    Range seen;
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      cost_row(i, costs);
      for (std::size_t j = 0; j < table.n; ++j) {
        if (!std::isfinite(costs[j]))
          throw InputError(fmt::format("the cost of row {} and column {} is {}; it must be finite", i, j, costs[j]));
        seen.minimum = std::min(seen.minimum, costs[j]);
        seen.maximum = std::max(seen.maximum, costs[j]);
        table.row(i)[j] = std::bit_cast<std::int32_t>(costs[j]);
      }
    }
    const std::lock_guard lock(mutex);
    range.minimum = std::min(range.minimum, seen.minimum);
    range.maximum = std::max(range.maximum, seen.maximum);
  });
  return range;
}

void round_in_place(const transport::RoundedCosts& rounded, transport::IntegerCosts& table) {
  parallel_for(static_cast<std::int64_t>(table.n), 16, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      for (std::size_t j = 0; j < table.n; ++j)
        table.row(i)[j] = rounded(static_cast<double>(std::bit_cast<float>(table.row(i)[j])));
  });
}

}  // namespace

LinearAssignment linear_assignment(std::size_t n, const CostRow& cost_row) {
  if (n > std::size_t{1} << 27)
    throw InputError(fmt::format("an assignment of {} rows was asked for; at most 2^27 are possible", n));
  LinearAssignment result;
  if (n == 0) return result;
  std::vector<double> assigned_cost(n);
  {
    transport::IntegerCosts table(n);
    const Range range = write_costs(cost_row, table);
    const transport::RoundedCosts rounded(range.minimum, range.maximum);
    round_in_place(rounded, table);
    auto [column_of_row, column_dual] = transport::shortest_augmenting_paths(table);
    result.column_of_row = std::move(column_of_row);
    result.resolution = 0.5 * rounded.unit();
    for (std::size_t i = 0; i < n; ++i) {
      const auto j = static_cast<std::size_t>(result.column_of_row[i]);
      result.row_dual.push_back(rounded.minimum() + rounded.unit() * (table.row(i)[j] - column_dual[j]));
    }
    for (const std::int32_t v : column_dual) result.column_dual.push_back(rounded.unit() * v);
  }
  parallel_for(static_cast<std::int64_t>(n), 16, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<float> costs(n);
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      cost_row(i, costs);
      assigned_cost[i] = costs[static_cast<std::size_t>(result.column_of_row[i])];
    }
  });
  for (const double c : assigned_cost) result.cost += c;
  return result;
}

LinearAssignment linear_assignment(std::span<const float> cost, std::size_t n) {
  if (n > std::size_t{1} << 27 || cost.size() != n * n)
    throw InputError(fmt::format("{} costs are no matrix of {} rows and columns", cost.size(), n));
  return linear_assignment(n, [&](std::size_t row, std::span<float> costs) {
    std::copy_n(cost.begin() + static_cast<std::ptrdiff_t>(row * n), n, costs.begin());
  });
}

}  // namespace boltzflow
