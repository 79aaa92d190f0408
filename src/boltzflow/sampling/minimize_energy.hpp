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
  std::vector<double> positions;  ///< [dimension]: [n_atoms, 3] nm
  double energy;                  ///< kJ/mol
  double root_mean_square_gradient;
  int iterations;
  int evaluations;  ///< of energy and gradient
  bool converged;   ///< whether the gradient is within its tolerance
};

/// Goes to a local minimum by L-BFGS: the direction is -H g, where H approximates the inverse Hessian by the last
/// ten steps s and changes of gradient y (two-loop recursion, H_0 = s.y / y.y), and a line search finds a step that
/// satisfies the strong Wolfe conditions,
///
///     U(x + a d) <= U(x) + c1 a d.g   and   |d.g(x + a d)| <= c2 |d.g|,   c1 = 1e-4, c2 = 0.9.
///
/// A step is never longer than max_displacement, so that overlapping atoms come apart instead of flying apart, and a
/// molecule stays in its basin. Energies that are not finite count as too high; the energy never rises. float64.
/// Ends at the tolerance, at max_iterations, or where rounding leaves no way down.
/// @param positions [potential.dimension()], one sample
/// @throws InputError if the size is wrong, an option is not positive, or the energy or gradient at the start is not
///         finite.
/// @cite Nocedal & Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5; near the minimum, where differences
///       of energies are rounding, the approximate Wolfe conditions of Hager & Zhang, SIAM J. Optim. 16 (2005) 170.
MinimizationResult minimize_energy(const Potential& potential, std::span<const double> positions,
                                   const MinimizationOptions& options = {});

}  // namespace boltzflow
