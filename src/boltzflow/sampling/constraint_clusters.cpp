// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/constraint_clusters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "boltzflow/base/errors.hpp"

namespace boltzflow::sampling {
namespace {

void check(std::span<const DistanceConstraint> constraints, int n_atoms) {
  std::set<std::pair<int, int>> pairs;
  for (const DistanceConstraint& c : constraints) {
    const auto fail = [&](const char* what) {
      throw InputError("constraints",
                       fmt::format("{} nm between atoms {} and {} (counted from 0): {}", c.distance, c.i, c.j, what));
    };
    if (c.i < 0 || c.j < 0 || c.i >= n_atoms || c.j >= n_atoms) fail("there is no such atom");
    if (c.i == c.j) fail("an atom has no distance to itself");
    if (!(c.distance > 0) || !std::isfinite(c.distance)) fail("a distance must be a positive number");
    if (!pairs.insert(std::minmax(c.i, c.j)).second) fail("this pair comes twice");
  }
}

/// For every atom the smallest atom that constraints connect it with.
std::vector<int> cluster_of_atoms(std::span<const DistanceConstraint> constraints, int n_atoms) {
  std::vector<int> parent(static_cast<std::size_t>(n_atoms));
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](int i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (const DistanceConstraint& c : constraints) {
    const auto [low, high] = std::minmax({root(c.i), root(c.j)});
    parent[high] = low;
  }
  for (int i = 0; i < n_atoms; ++i) parent[i] = root(i);
  return parent;
}

}  // namespace

ConstraintClusters::ConstraintClusters(std::span<const DistanceConstraint> constraints,
                                       std::span<const double> masses) {
  const int n_atoms = static_cast<int>(masses.size());
  check(constraints, n_atoms);
  const std::vector<int> cluster = cluster_of_atoms(constraints, n_atoms);
  std::vector<DistanceConstraint> sorted(constraints.begin(), constraints.end());
  std::ranges::stable_sort(sorted, {}, [&](const DistanceConstraint& c) { return cluster[c.i]; });
  int last = -1;
  for (const DistanceConstraint& c : sorted) {
    if (cluster[c.i] != last) first_row_.push_back(size());
    last = cluster[c.i];
    rows_.push_back({c.i, c.j, static_cast<float>(c.distance * c.distance), static_cast<float>(1 / masses[c.i]),
                     static_cast<float>(1 / masses[c.j])});
  }
  first_row_.push_back(size());
}

}  // namespace boltzflow::sampling
