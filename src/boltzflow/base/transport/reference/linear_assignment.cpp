// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/reference/linear_assignment.hpp"

#include <limits>

namespace boltzflow::transport::reference {

std::vector<std::int32_t> linear_assignment(std::span<const double> cost, std::size_t n) {
  const std::size_t none = n;
  std::vector<double> row_dual(n), column_dual(n);
  std::vector<std::size_t> row_of_column(n, none);
  for (std::size_t start = 0; start < n; ++start) {
    // distance[j] is the least reduced length of an alternating path from `start` to column j.
    std::vector<double> distance(n, std::numeric_limits<double>::infinity());
    std::vector<std::size_t> column_before(n, none);
    std::vector<bool> scanned(n, false);
    std::size_t row = start, column = none;
    double length = 0;
    while (true) {
      std::size_t nearest = none;
      for (std::size_t j = 0; j < n; ++j) {
        if (scanned[j]) continue;
        const double through = length + cost[row * n + j] - row_dual[row] - column_dual[j];
        if (through < distance[j]) {
          distance[j] = through;
          column_before[j] = column;
        }
        if (nearest == none || distance[j] < distance[nearest]) nearest = j;
      }
      column = nearest;
      length = distance[column];
      if (row_of_column[column] == none) break;
      scanned[column] = true;
      row = row_of_column[column];
    }
    row_dual[start] += length;
    for (std::size_t j = 0; j < n; ++j) {
      if (!scanned[j]) continue;
      column_dual[j] -= length - distance[j];
      row_dual[row_of_column[j]] += length - distance[j];
    }
    while (column_before[column] != none) {
      row_of_column[column] = row_of_column[column_before[column]];
      column = column_before[column];
    }
    row_of_column[column] = start;
  }
  std::vector<std::int32_t> column_of_row(n);
  for (std::size_t j = 0; j < n; ++j) column_of_row[row_of_column[j]] = static_cast<std::int32_t>(j);
  return column_of_row;
}

}  // namespace boltzflow::transport::reference
