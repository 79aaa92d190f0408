// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace boltzflow {

/// Which coordinates a coupling layer changes, and which it sees.
struct CouplingSplit {
  std::vector<std::int64_t> conditioning, transformed;  ///< both in increasing order, neither empty
};

/// The splits of n_layers couplings over `dimension` coordinates, of which three in a row are an atom's. They come in
/// pairs that swap the two sides, so that every pair changes every coordinate.
///   "alternating"  pairs in turn split the atoms in random halves, and set one of x, y, z (each in its turn) against
///                  the other two; where such a side would be empty, random halves of the coordinates
///   "random"       random halves of the coordinates
/// @param dimension >= 2. @throws InputError for another masking.
std::vector<CouplingSplit> coupling_splits(int dimension, std::int64_t n_layers, const std::string& masking,
                                           std::uint64_t seed);

/// A random permutation of 0 .. n-1.
std::vector<std::int64_t> random_permutation(std::int64_t n, std::uint64_t seed, std::uint64_t stream);

}  // namespace boltzflow
