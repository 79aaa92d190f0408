// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"

namespace boltzflow {

/// Conformations drawn from a flow, with what makes them samples of the Boltzmann distribution.
struct WeightedSamples {
  std::vector<double> positions;  ///< [n_samples, n_atoms, 3] nm
  std::vector<double> log_prob;   ///< [n_samples] log q(x), from the pass that made the sample
  std::vector<double>
      reduced_energy;              ///< [n_samples] u = U / RT in float64, not regularised; +inf where U is not finite
  std::vector<double> log_weight;  ///< [n_samples] -u - log q; -inf where u is +inf

  std::size_t n_samples() const noexcept { return log_prob.size(); }
};

/// This draws n samples in batches of a fixed size and hands each to `take`; memory does not grow with n_samples.
/// Sample i depends on `seed` and i alone. Stops with an Error of status interrupted or terminated if the user asks to.
void draw_weighted_samples(const BoltzmannGenerator& generator, const Potential& potential, std::int64_t n_samples,
                           std::int64_t seed, ConditionerPrecision precision,
                           const std::function<void(const WeightedSamples& batch)>& take);

/// Reduced energies [n_frames] in float64 of positions [n_frames, n_atoms, 3] nm; +inf where the energy is not finite.
std::vector<double> reduced_energies(const Potential& potential, const std::vector<double>& positions,
                                     double temperature);

}  // namespace boltzflow
