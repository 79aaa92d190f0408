// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

MinimizationResult minimize_energy(const Potential& potential, std::span<const double> positions,
                                   const MinimizationOptions& options) {
  if (positions.size() != 3 * static_cast<std::size_t>(potential.n_atoms()))
    throw InputError(
        fmt::format("minimisation: {} coordinates given for {} atoms", positions.size(), potential.n_atoms()));
  std::vector<double> x(positions.begin(), positions.end()), gradient(x.size()), trial(x.size()),
      trial_gradient(x.size());
  double energy = 0, trial_energy = 0, step = 1e-6;  // nm^2 mol/kJ
  potential.energy_and_gradient(x, {&energy, 1}, gradient);
  if (!std::isfinite(energy))
    throw InputError(fmt::format("minimisation: the energy at the start is {} kJ/mol", energy));
  const auto root_mean_square = [](const std::vector<double>& g) {
    double sum = 0;
    for (const double c : g) sum += c * c;
    return std::sqrt(sum / static_cast<double>(g.size()));
  };
  int iteration = 0;
  for (; iteration < options.max_iterations && root_mean_square(gradient) > options.gradient_tolerance; ++iteration) {
    const auto limit = [&](double d) { return std::clamp(d, -options.max_displacement, options.max_displacement); };
    std::ranges::transform(x, gradient, trial.begin(), [&](double c, double g) { return c - limit(step * g); });
    potential.energy_and_gradient(trial, {&trial_energy, 1}, trial_gradient);
    if (trial_energy < energy) {
      std::swap(x, trial);
      std::swap(gradient, trial_gradient);
      energy = trial_energy;
      step *= 1.2;
    } else {
      step *= 0.5;
      if (step < 1e-30) break;
    }
  }
  return {std::move(x), energy, root_mean_square(gradient), iteration};
}

}  // namespace boltzflow
