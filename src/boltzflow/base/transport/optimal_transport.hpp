// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace boltzflow {

/// A one-to-one map between two sets of n points with its dual potentials.
struct OptimalTransport {
  std::vector<std::int32_t> target_of_source;              ///< [n] sigma, a permutation
  std::vector<double> source_potential, target_potential;  ///< [n] f, g; unit of the squared distance
  double mean_squared_distance = 0;                        ///< 1/n sum_i |x_i - y_sigma(i)|^2, in float64
  /// f_i + g_j <= |x_i - y_j|^2 + resolution for all i, j, and equal within it where j = sigma(i): the mean squared
  /// distance is within 2 resolution of the least.
  double resolution = 0;
};

/// This maps n points x to n points y with the least total squared distance, exactly but for `resolution`:
///
///     sigma = argmin sum_i |x_i - y_sigma(i)|^2,   sqrt(1/n sum_i |x_i - y_sigma(i)|^2) = W2 of the two sets
///
/// by linear_assignment() of the costs -<x_i - mean x, y_j - mean y>, which differ from half the squared distances by
/// terms of a row or a column only: far points cost less accuracy that way.
///
/// Memory: 4 n^2 bytes. Times: docs/optimal-transport.md (66 dimensions: 9 s of one core for n = 20,000).
/// @param x, y [n, dimension] row-major, the same size.
/// @throws InputError if sizes differ or are no multiple of dimension, dimension is 0, or a coordinate is not finite.
OptimalTransport optimal_transport(std::span<const float> x, std::span<const float> y, std::size_t dimension);

}  // namespace boltzflow
