// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace boltzflow {

/// The assignment of least cost, with the dual solution that proves it.
///
/// For every i, j:  row_dual_i + column_dual_j <= c_ij + resolution, and >= c_ij - resolution where j is assigned to
/// i. So sum_i row_dual_i + sum_j column_dual_j - n resolution is a lower bound of the cost of any assignment.
struct LinearAssignment {
  std::vector<std::int32_t> column_of_row;    ///< [n] sigma, a permutation
  std::vector<double> row_dual, column_dual;  ///< [n] in the unit of the costs
  double cost = 0;                            ///< sum_i c_i,sigma(i), summed in float64
  /// Costs are rounded to multiples of 2 resolution = 2^-28 (max c - min c); the cost is within 2 n resolution of the
  /// least one.
  double resolution = 0;
};

/// Writes the n costs of one row. Called twice per row, from several threads at once, and must write the same each
/// time.
using CostRow = std::function<void(std::size_t row, std::span<float> costs)>;

/// This finds the permutation sigma of 0 .. n-1 with the least sum_i c_i,sigma(i), exactly but for `resolution`.
///
/// Shortest augmenting paths (Jonker1987): column reduction, augmenting row reduction, and Dijkstra searches for the
/// rows that are left, in integer arithmetic, where nothing accumulates rounding and equal costs stay equal. The result
/// does not depend on the number of threads.
///
/// Memory: 4 n^2 bytes (1.6 GB for n = 20,000). Time: between n^2 and n^3, see docs/optimal-transport.md for measured
/// ones.
/// @throws InputError if a cost is NaN or infinite (naming row and column), or n exceeds 2^27.
LinearAssignment linear_assignment(std::size_t n, const CostRow& cost_row);

/// The same of a matrix. @param cost [n, n] row-major.
/// @throws InputError also if cost does not have n * n values.
LinearAssignment linear_assignment(std::span<const float> cost, std::size_t n);

}  // namespace boltzflow
