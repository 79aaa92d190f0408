// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow {

struct MinimizationOptions {
  int max_iterations = 2000;
  double gradient_tolerance = 1;   ///< root mean square over coordinates, kJ/mol/nm
  double max_displacement = 0.01;  ///< of a coordinate per iteration, nm
};

struct MinimizationResult {
  std::vector<double> positions;  ///< [n_atoms, 3] nm
  double energy;                  ///< kJ/mol
  double root_mean_square_gradient;
  int iterations;
};

/// Steepest descent with a step length that grows by a fifth after a descent and halves after an ascent; float64.
/// Removes clashes before dynamics; not a tight minimiser.
/// @throws InputError if the size is wrong or the energy at the start is not finite.
MinimizationResult minimize_energy(const Potential& potential, std::span<const double> positions,
                                   const MinimizationOptions& options = {});

}  // namespace boltzflow
