// SPDX-License-Identifier: MIT
// Constraints straight from their equations, in float64 and one replica at a time: the oracle of the kernels.
#pragma once
#include <span>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow::sampling::reference {

/// This returns x + M^-1 sum_k lambda_k grad sigma_k(start) with all sigma_k = |x_i - x_j|^2 - d_k^2 zero, by Newton's
/// method with a dense Jacobian.
/// @param masses [n_atoms] amu; start and positions [n_atoms, 3] nm.
/// @throws Error if it does not converge in 50 iterations.
std::vector<double> project_positions(std::span<const DistanceConstraint> constraints, std::span<const double> masses,
                                      std::span<const double> start, std::span<const double> positions);

/// This returns v + M^-1 sum_k mu_k grad sigma_k(positions) with (x_i - x_j).(v_i - v_j) = 0 for all k: one linear
/// system.
std::vector<double> project_velocities(std::span<const DistanceConstraint> constraints, std::span<const double> masses,
                                       std::span<const double> positions, std::span<const double> velocities);

}  // namespace boltzflow::sampling::reference
