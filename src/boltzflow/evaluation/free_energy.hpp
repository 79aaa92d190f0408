// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

namespace boltzflow {

/// An arc of the circle, in rad, from `begin` upwards to `end`; (0, pi) is phi > 0, (pi / 2, -pi / 2) goes over the
/// seam.
struct TorsionWindow {
  double begin, end;
};

/// This returns the weight of the samples inside the window: sum_{n in window} w_n / sum_n w_n.
/// @param angle [n_samples] rad, wrapped. @param weight [n_samples] >= 0 with any sum, or empty for equal weights.
/// @throws InputError if there are no samples, lengths differ, a value is NaN or all weights are zero.
double population(std::span<const double> angle, std::span<const double> weight, TorsionWindow window);

/// This returns the free-energy difference of state A over state B, -R T ln(P_A / P_B), in kJ/mol, of populations
/// P_A and P_B at a temperature in K; +inf if A is empty, -inf if B is, NaN if both are.
double free_energy_difference(double population_a, double population_b, double temperature);

/// This returns -R T ln p per bin in kJ/mol, shifted so that the lowest is 0; +inf for empty bins.
std::vector<double> free_energy_surface(std::span<const double> probability, double temperature);

}  // namespace boltzflow
