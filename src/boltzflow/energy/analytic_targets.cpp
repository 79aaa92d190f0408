// SPDX-License-Identifier: MIT
#include "boltzflow/energy/analytic_targets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/energy/analytic/analytic_potential.hpp"

namespace boltzflow {
namespace {

// Partition functions by quadrature; the tests do it again.
constexpr AnalyticTarget targets[] = {
    {"gaussian-mixture", "40 Gaussians in 2 dimensions", 2, -56, 56, 0.0, &energy::make_gaussian_mixture},
    {"double-well", "a double well in 2 dimensions", 2, -6, 6, 12.064928998641767, &energy::make_double_well},
    {"mueller-brown", "Mueller-Brown surface scaled by 0.1", 2, -3, 3, 11.729590558342220, &energy::make_mueller_brown},
    {"many-well", "16 double wells, 32 dimensions, 65536 modes", 32, -6, 6, 164.6956753131817, &energy::make_many_well},
    {"lennard-jones-13", "13 Lennard-Jones atoms, tethered to their mean", 39, -6, 6,
     std::numeric_limits<double>::quiet_NaN(), &energy::make_lennard_jones_13},
};

const AnalyticTarget& known_target(std::string_view name) {
  if (const AnalyticTarget* target = find_analytic_target(name)) return *target;
  std::string names;
  for (const AnalyticTarget& t : targets) names += fmt::format("{}{}", names.empty() ? "" : ", ", t.name);
  throw InputError(fmt::format("there is no analytic target \"{}\"; there are {}", name, names));
}

}  // namespace

std::span<const AnalyticTarget> analytic_targets() { return targets; }

const AnalyticTarget* find_analytic_target(std::string_view name) {
  const auto* const target = std::ranges::find(targets, name, &AnalyticTarget::name);
  return target != std::end(targets) ? target : nullptr;
}

std::unique_ptr<Potential> make_analytic_target(std::string_view name, double temperature) {
  if (!(temperature > 0) || !std::isfinite(temperature))
    throw InputError(fmt::format("temperature: {} K is not a positive number", temperature));
  return known_target(name).make(temperature);
}

MolecularSystem make_analytic_system(std::string_view name) {
  const AnalyticTarget& target = known_target(name);
  MolecularSystem system;
  system.name = system.analytic_target = target.name;
  system.description = target.description;
  if (target.make(system.temperature)->n_atoms() > 0) {
    const Atom argon = {.name = "AR", .element = "Ar", .residue_name = "AR", .residue_number = 1, .mass = 39.948};
    system.atoms.assign(static_cast<std::size_t>(target.dimension / 3), argon);
  }
  return system;
}

}  // namespace boltzflow
