// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/torsion_free_energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/bootstrap.hpp"
#include "boltzflow/evaluation/ramachandran.hpp"

namespace boltzflow {
namespace {

using Statistics = std::function<std::vector<double>(std::span<const double>, std::span<const double>)>;

/// The statistics of all samples, and their bootstrap errors.
std::vector<Estimate> with_errors(std::span<const double> angle, std::span<const double> weight, std::size_t n_blocks,
                                  int n_replicates, const RandomStream& stream, const Statistics& statistics) {
  const std::vector<double> values = statistics(angle, weight);
  const auto errors = bootstrap_errors(n_replicates, stream, [&](const RandomStream& random) {
    const auto indices = bootstrap_indices(angle.size(), n_blocks, random);
    const auto drawn_weight = weight.empty() ? std::vector<double>() : gathered(weight, indices);
    if (!weight.empty() && std::all_of(drawn_weight.begin(), drawn_weight.end(), [](double w) { return w == 0; }))
      return std::vector<double>(values.size(), std::numeric_limits<double>::quiet_NaN());
    return statistics(gathered(angle, indices), drawn_weight);
  });
  std::vector<Estimate> estimates;
  for (std::size_t i = 0; i < values.size(); ++i) estimates.push_back({values[i], errors[i]});
  return estimates;
}

}  // namespace

TorsionProfile torsion_profile(std::span<const double> angle, std::span<const double> weight, int n_bins,
                               std::size_t n_blocks, int n_replicates, const RandomStream& stream) {
  if (n_bins < 1) throw InputError(fmt::format("a profile of {} bins was asked for; use at least 1", n_bins));
  TorsionProfile profile;
  profile.free_energy = with_errors(angle, weight, n_blocks, n_replicates, stream,
                                    [&](std::span<const double> angles, std::span<const double> weights) {
                                      std::vector<double> f = circle_histogram(angles, weights, n_bins).probability;
                                      for (double& p : f) p = -std::log(p);
                                      return f;
                                    });
  double lowest = std::numeric_limits<double>::infinity();
  for (const Estimate& f : profile.free_energy) lowest = std::min(lowest, f.value);
  for (Estimate& f : profile.free_energy) f.value -= lowest;
  for (int bin = 0; bin < n_bins; ++bin) profile.angle.push_back(2 * pi * ((bin + 0.5) / n_bins - 0.5));
  return profile;
}

Estimate counted_free_energy_difference(std::span<const double> angle, std::span<const double> weight, TorsionWindow a,
                                        TorsionWindow b, std::size_t n_blocks, int n_replicates,
                                        const RandomStream& stream) {
  return with_errors(
             angle, weight, n_blocks, n_replicates, stream,
             [&](std::span<const double> angles, std::span<const double> weights) {
               return std::vector{std::log(population(angles, weights, a)) - std::log(population(angles, weights, b))};
             })
      .front();
}

}  // namespace boltzflow
