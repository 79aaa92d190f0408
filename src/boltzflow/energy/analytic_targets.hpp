// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow {

/// A target of the literature whose energy is a closed formula. Its potential is R T u(x) at the temperature it is made
/// for, so that ReducedPotential at that temperature gives u(x) itself; lengths have no unit.
///
///     gaussian-mixture  u = -ln (1/40) sum_k N(x; c_k, s^2 1), x in R^2, s = ln(1 + e); normalised
///     double-well       u = x1^4/4 - 3 x1^2 + x1 + x2^2/2
///     mueller-brown     u = 0.1 sum_k A_k exp(a_k (x-x_k)^2 + b_k (x-x_k)(y-y_k) + c_k (y-y_k)^2)
///     many-well         u = sum over 16 pairs of x1^4 - 6 x1^2 - x1/2 + x2^2/2; 2^16 modes in R^32
///     lennard-jones-13  u = sum_{i<j} (r^-12 - 2 r^-6) + 1/2 sum_i |x_i - mean|^2; 13 atoms, free to move as a whole
struct AnalyticTarget {
  std::string_view name, description;
  int dimension;
  double lower, upper;  ///< a box that holds all but 1e-6 of the density, the same interval in every coordinate
  /// ln of the integral of exp(-u); NaN where it is not known or, for lennard-jones-13, not finite.
  double log_partition_function;
  std::unique_ptr<Potential> (*make)(double temperature);
};

/// All of them, in the order above.
/// @cite Midgley et al., ICLR 2023 (gaussian-mixture, many-well); Noe, Olsson, Koehler & Wu, Science 365 (2019)
/// eaaw1147
///       (double-well, mueller-brown scaled by 0.1); Mueller & Brown, Theor. Chim. Acta 53 (1979) 75; Koehler, Klein &
///       Noe, ICML 2020 (lennard-jones-13; works that sum over ordered pairs have twice its Lennard-Jones part).
std::span<const AnalyticTarget> analytic_targets();

/// Makes the target of that name for a temperature in K. @throws InputError for an unknown name (with the names there
/// are) or a temperature that is not positive and finite.
std::unique_ptr<Potential> make_analytic_target(std::string_view name, double temperature = 300);

/// The system that stands for the target of that name: 13 argon atoms for lennard-jones-13, no atoms for the others.
/// @throws InputError for an unknown name.
MolecularSystem make_analytic_system(std::string_view name);

/// The row of the table, or null if there is no analytic target of that name.
const AnalyticTarget* find_analytic_target(std::string_view name);

/// The 40 centres of gaussian-mixture: uniform in [-40, 40)^2, those that PyTorch's generator gives with seed 0.
std::span<const std::array<double, 2>> gaussian_mixture_centers();

}  // namespace boltzflow
