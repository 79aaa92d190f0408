// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/check_energies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr double highest_ratio = 1.5, lowest_ratio = 0.6, widest_tail = 3;
constexpr double normal_quantile_99 = 2.3263;

}  // namespace

EnergyCheck check_energies(const MolecularSystem& system, std::span<const double> reduced_energy,
                           double reference_reduced_energy, double temperature, const std::string& origin) {
  EnergyCheck check;
  std::vector<double> finite;
  std::size_t first = reduced_energy.size();
  for (std::size_t n = 0; n < reduced_energy.size(); ++n)
    if (std::isfinite(reduced_energy[n]))
      finite.push_back(reduced_energy[n]);
    else
      first = std::min(first, n);
  check.n_not_finite = static_cast<std::int64_t>(reduced_energy.size() - finite.size());
  if (finite.empty())
    throw InputError(origin,
                     fmt::format("none of {} frames has a finite energy in {}", reduced_energy.size(), system.name));
  std::sort(finite.begin(), finite.end());
  check.median = finite[finite.size() / 2];
  check.quantile_99 = finite[static_cast<std::size_t>(0.99 * static_cast<double>(finite.size() - 1))];
  const double half_freedom =
      std::max(1.0, 0.5 * (3.0 * system.n_atoms() - 6 - static_cast<double>(system.constraints.size())));
  check.thermal_ratio = (check.median - reference_reduced_energy) / half_freedom;
  if (check.n_not_finite > 0)
    check.warnings.push_back(fmt::format("{}: {} of {} frames have no finite energy, first frame {}", origin,
                                         check.n_not_finite, reduced_energy.size(), first));
  if (!(check.thermal_ratio > lowest_ratio && check.thermal_ratio < highest_ratio))
    check.warnings.push_back(
        fmt::format("{}: the frames' median energy lies {:.4g} kT above the minimum of {} where about {:.4g} are "
                    "expected at {:g} K; "
                    "were they made at {:.0f} K, with another force field, or is this no equilibrium?",
                    origin, check.median - reference_reduced_energy, system.name, half_freedom, temperature,
                    std::max(0.0, check.thermal_ratio * temperature)));
  const double tail = normal_quantile_99 * std::sqrt(half_freedom);
  if (check.quantile_99 - check.median > widest_tail * tail)
    check.warnings.push_back(
        fmt::format("{}: one frame in a hundred has an energy more than {:.4g} kT above the median where {:.3g} are "
                    "expected; are there overlapping or strained conformations?",
                    origin, check.quantile_99 - check.median, tail));
  return check;
}

}  // namespace boltzflow
