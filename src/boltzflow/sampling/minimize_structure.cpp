// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_structure.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

bool is_open(const HarmonicBond& bond, const std::vector<double>& positions) {
  const double *a = &positions[3 * bond.i], *b = &positions[3 * bond.j];
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) > 1.5 * bond.length;
}

/// The system with its open bonds no stiffer than `force_constant`, and how many these are.
std::pair<MolecularSystem, int> softened(const MolecularSystem& system, double force_constant) {
  MolecularSystem soft = system;
  int n_open = 0;
  for (HarmonicBond& bond : soft.harmonic_bonds)
    if (is_open(bond, system.positions)) {
      bond.force_constant = std::min(bond.force_constant, force_constant);
      ++n_open;
    }
  return {std::move(soft), n_open};
}

}  // namespace

MinimizationResult minimize_structure(const MolecularSystem& system, const MinimizationOptions& options) {
  if (system.positions.empty())
    throw InputError(system.name, "has no structure to start from; give one with --structure");
  constexpr double stiff = 3e5;
  MolecularSystem bonded = system;
  std::set<std::pair<int, int>> present;
  for (const HarmonicBond& b : system.harmonic_bonds) present.insert(std::minmax(b.i, b.j));
  for (const DistanceConstraint& c : system.constraints)
    if (!present.contains(std::minmax(c.i, c.j))) bonded.harmonic_bonds.push_back({c.i, c.j, c.distance, stiff});

  int iterations = 0, evaluations = 0;
  for (const double force_constant : {200.0, 2e3, 2e4}) {
    const auto [soft, n_open] = softened(bonded, force_constant);
    if (n_open == 0) break;
    // Rough is enough: the next stage pulls harder.
    MinimizationResult closer = minimize_energy(*make_force_field(soft), bonded.positions,
                                                {.max_iterations = options.max_iterations,
                                                 .gradient_tolerance = 10 * options.gradient_tolerance,
                                                 .max_displacement = options.max_displacement});
    bonded.positions = std::move(closer.positions);
    iterations += closer.iterations;
    evaluations += closer.evaluations;
  }
  MinimizationResult result = minimize_energy(*make_force_field(bonded), bonded.positions, options);
  make_force_field(system)->energy(std::span<const double>(result.positions), {&result.energy, 1});
  result.iterations += iterations;
  result.evaluations += evaluations;
  return result;
}

}  // namespace boltzflow
