// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace boltzflow::transport::reference {

/// The assignment of least cost by shortest augmenting paths in float64, one row after another (Kuhn1955, Munkres1957
/// in the form of Tomizawa1971): the plain method that linear_assignment() is tested against. O(n^3).
/// @param cost [n, n] row-major, finite. @returns column_of_row [n].
std::vector<std::int32_t> linear_assignment(std::span<const double> cost, std::size_t n);

}  // namespace boltzflow::transport::reference
