// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/free_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

/// The angle from `begin` upwards, in [0, 2 pi).
double turn_from(double begin, double angle) {
  const double turns = (angle - begin) / (2 * pi);
  return 2 * pi * (turns - std::floor(turns));
}

}  // namespace

double population(std::span<const double> angle, std::span<const double> weight, TorsionWindow window) {
  if (angle.empty()) throw InputError("the population of a state needs at least one sample");
  if (!weight.empty() && weight.size() != angle.size())
    throw InputError(fmt::format("{} weights do not go with {} angles", weight.size(), angle.size()));
  const double length = turn_from(window.begin, window.end);
  double inside = 0, sum = 0;
  for (std::size_t n = 0; n < angle.size(); ++n) {
    const double w = weight.empty() ? 1.0 : weight[n];
    if (!std::isfinite(angle[n]) || !(w >= 0))
      throw InputError(
          fmt::format("angle {} is {} with weight {}; both must be numbers, the weight not negative", n, angle[n], w));
    if (turn_from(window.begin, angle[n]) < length) inside += w;
    sum += w;
  }
  if (!(sum > 0)) throw InputError("all weights are zero; no state has a population");
  return inside / sum;
}

double free_energy_difference(double population_a, double population_b, double temperature) {
  return -thermal_energy(temperature) * (std::log(population_a) - std::log(population_b));
}

std::vector<double> free_energy_surface(std::span<const double> probability, double temperature) {
  std::vector<double> surface(probability.size());
  if (probability.empty()) return surface;
  const double largest = *std::max_element(probability.begin(), probability.end());
  std::transform(probability.begin(), probability.end(), surface.begin(),
                 [&](double p) { return -thermal_energy(temperature) * std::log(p / largest) + 0.0; });
  return surface;
}

}  // namespace boltzflow
