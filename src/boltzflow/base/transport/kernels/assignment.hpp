// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace boltzflow::transport {

/// Rows of costs are padded to a multiple of this many columns.
inline constexpr int64_t column_group = 16;
/// Costs lie in [0, largest_cost]. With column duals in [-largest_cost, largest_cost] every difference of the search
/// below stays within 5 largest_cost < 2^31.
inline constexpr int32_t largest_cost = 1 << 28;
/// The cost of a padding column: never the smallest, nor the second smallest of two real ones.
inline constexpr int32_t padding_cost = 3 * largest_cost;
/// The length of a path to a column that the search is done with (and of padding), and to one not reached yet.
inline constexpr int32_t settled = INT32_MAX;
inline constexpr int32_t unreached = INT32_MAX - 1;

struct SmallestTwo {
  int32_t smallest, second;
  int32_t column, second_column;
};

struct ShortestPath {
  int32_t length, column;
};

// n is a multiple of column_group everywhere.
// lower_columns: minimum[j] = min(minimum[j], cost[j]), and row_of_minimum[j] = row where that changed it.
// smallest_two: the two smallest of cost[j] - dual[j].
// shorter_columns: writes the columns j with cost[j] - dual[j] - offset < min(length[j], limit) where length[j] is not
// settled, ascending, and returns their number. columns_below: writes the columns with cost[j] - dual[j] < limit,
// ascending, and returns their number. relax: where length[j] is not settled and cost[j] - dual[j] - offset is smaller,
// that becomes the length and `row` the predecessor; returns the shortest length afterwards. shortest_path: the
// shortest length. negative_products: out[r][j] = -sum_k x[r][k] y[k][j] of n_rows rows of x (stride dimension) and
// columns-last y
//   (stride n); out has the stride n.
#define BOLTZFLOW_DECLARE_ASSIGNMENT(target)                                                                           \
  namespace target {                                                                                                   \
  void lower_columns(const int32_t* cost, int32_t row, int64_t n, int32_t* minimum, int32_t* row_of_minimum) noexcept; \
  SmallestTwo smallest_two(const int32_t* cost, const int32_t* dual, int64_t n) noexcept;                              \
  int64_t shorter_columns(const int32_t* cost, const int32_t* dual, const int32_t* length, int32_t offset,             \
                          int32_t limit, int64_t n, int32_t* columns) noexcept;                                        \
  int64_t columns_below(const int32_t* cost, const int32_t* dual, int32_t limit, int64_t n,                            \
                        int32_t* columns) noexcept;                                                                    \
  ShortestPath relax(const int32_t* cost, const int32_t* dual, int32_t offset, int32_t row, int64_t n,                 \
                     int32_t* length, int32_t* predecessor) noexcept;                                                  \
  ShortestPath shortest_path(const int32_t* length, int64_t n) noexcept;                                               \
  void negative_products(const float* x, int64_t n_rows, const float* y, int64_t dimension, int64_t n,                 \
                         float* out) noexcept;                                                                         \
  }
BOLTZFLOW_DECLARE_ASSIGNMENT(baseline)
BOLTZFLOW_DECLARE_ASSIGNMENT(avx2)
BOLTZFLOW_DECLARE_ASSIGNMENT(avx512)
#undef BOLTZFLOW_DECLARE_ASSIGNMENT

}  // namespace boltzflow::transport
