// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace boltzflow {

/// Settings of block_optimal_transport().
struct BlockTransportOptions {
  std::size_t block_size = 10'000;    ///< points per exact problem: 4 block_size^2 bytes
  int n_rounds = 4;                   ///< of regrouping after the first; each solves n / block_size problems
  std::size_t n_bound_points = 2000;  ///< sources that the lower bound is estimated from; 0: no bound
  std::uint64_t seed = 1;
};

/// A one-to-one map between two large sets of points, not quite the shortest.
struct BlockTransport {
  std::vector<std::int32_t> target_of_source;          ///< [n] a permutation
  double mean_squared_distance = 0;                    ///< 1/n sum_i |x_i - y_sigma(i)|^2, in float64
  std::vector<double> mean_squared_distance_by_round;  ///< after the first solution and after every round; falling
  /// A lower bound of the least mean squared distance, by weak duality, estimated from n_bound_points sources, and its
  /// standard error; NaN without them. The shortest map lies between it and mean_squared_distance.
  double lower_bound = 0, lower_bound_error = 0;
};

/// This maps n points x to n points y with a small total squared distance, for n too large for optimal_transport().
///
/// Both sets are put in order along a random direction and cut into blocks, which are solved exactly. Then, in rounds,
/// pairs are put in order along a random direction of (x_i, y_sigma(i)), cut into new blocks of near pairs, and each
/// block is solved exactly again: the targets of its pairs are shared out anew, which never lengthens the map. n up to
/// block_size is solved exactly, once.
///
/// The bound: with potentials g_j of the targets, sum_i min_j (|x_i - y_j|^2 - g_j) + sum_j g_j is no larger than any
/// map's total; g is that of the last round's blocks, levelled between blocks.
/// docs/optimal-transport.md shows how far from tight it is.
/// @param x, y [n, dimension] row-major. Memory: that of one block and O(n). Time: about
///        (1 + n_rounds) n / block_size times that of one block, plus n_bound_points n products.
/// @throws InputError as optimal_transport(), and if block_size is 0 or n_rounds negative.
BlockTransport block_optimal_transport(std::span<const float> x, std::span<const float> y, std::size_t dimension,
                                       const BlockTransportOptions& options = {});

}  // namespace boltzflow
