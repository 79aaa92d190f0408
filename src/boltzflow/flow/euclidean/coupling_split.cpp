// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/coupling_split.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

using Sides = std::vector<bool>;  // per coordinate, whether the pair's first layer transforms it

Sides random_halves(std::int64_t n, std::uint64_t seed, std::uint64_t pair) {
  const std::vector<std::int64_t> order = random_permutation(n, seed, pair);
  Sides sides(static_cast<std::size_t>(n), false);
  for (std::int64_t i = 0; i < n / 2; ++i) sides[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = true;
  return sides;
}

bool is_split(const Sides& sides) { return std::ranges::count(sides, true) % std::ssize(sides) != 0; }

Sides alternating(int dimension, std::uint64_t seed, std::uint64_t pair) {
  Sides sides(static_cast<std::size_t>(dimension));
  if (pair % 2 == 0) {
    const Sides atoms = random_halves((dimension + 2) / 3, seed, pair);
    for (std::size_t i = 0; i < sides.size(); ++i) sides[i] = atoms[i / 3];
  } else {
    for (std::size_t i = 0; i < sides.size(); ++i) sides[i] = i % 3 == pair / 2 % 3;
  }
  return is_split(sides) ? sides : random_halves(dimension, seed, pair);
}

}  // namespace

std::vector<std::int64_t> random_permutation(std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
  RandomStream random = RandomStream(seed).child(stream);
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

std::vector<CouplingSplit> coupling_splits(int dimension, std::int64_t n_layers, const std::string& masking,
                                           std::uint64_t seed) {
  if (masking != "alternating" && masking != "random")
    throw InputError(fmt::format("flow.euclidean.masking: \"{}\" is neither \"alternating\" nor \"random\"", masking));
  std::vector<CouplingSplit> splits;
  for (std::int64_t layer = 0; layer < n_layers; ++layer) {
    const auto pair = static_cast<std::uint64_t>(layer / 2);
    const Sides first = masking == "random" ? random_halves(dimension, seed, pair) : alternating(dimension, seed, pair);
    CouplingSplit split;
    for (int i = 0; i < dimension; ++i) {
      const bool transforms = first[static_cast<std::size_t>(i)] == (layer % 2 == 0);
      (transforms ? split.transformed : split.conditioning).push_back(i);
    }
    splits.push_back(std::move(split));
  }
  return splits;
}

}  // namespace boltzflow
