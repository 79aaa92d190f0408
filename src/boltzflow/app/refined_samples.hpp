// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "boltzflow/app/progress.hpp"
#include "boltzflow/app/trained_model.hpp"
#include "boltzflow/app/weighted_samples.hpp"
#include "boltzflow/sampling/smc.hpp"

namespace boltzflow {

/// Samples of a flow after refine_samples(), and what it took.
struct RefinedSamples {
  /// log_weight is that of the refinement, not -u - log q: the refined samples' own density is not known, and log_prob
  /// is only that of the flow at where they are now.
  WeightedSamples samples;
  std::vector<double> log_weight_before;  ///< [n_samples] -u - log q of the flow's samples
  std::vector<SmcStage> stages;           ///< one for every temperature
  double log_partition_function = 0;      ///< log of the mean of exp(log_weight)
  std::int64_t n_evaluations = 0;         ///< of the energy and of the flow, with gradients
  std::int64_t n_ancestors = 0;           ///< different samples of the flow that the refined ones with weight come from
  double seconds = 0;
};

/// This draws samples of a flow and anneals them to the Boltzmann distribution with sequential_monte_carlo(), in the
/// flow's own coordinates z: from log q(z) to the density of the target there,
///
///     log p(z) = -u(x(z)) + log|det dx/dz|,   grad_z from dx/dz^T grad u of the coordinates' own adjoint,
///
/// so that log weights are those of x and log Z is the same number as from the flow alone. Circles are followed around
/// (a step beyond 1 comes back at 0, of which z is a periodic function), and steps out of an interval are not taken.
/// Where energy, density or one of their gradients is not finite there is no density; the energy is not regularised.
/// The flow is evaluated in float32, the energy in float64. All samples are held at once: about 100 d bytes each.
/// @param seed of the flow's samples and of the steps; the result does not depend on the number of threads beyond
///        rounding.
/// @throws ConfigurationError if the flow's log q has no gradient (a continuous flow), Error of status interrupted or
///         terminated if the user asks to stop, InputError as sequential_monte_carlo().
RefinedSamples refine_samples(const TrainedModel& model, std::int64_t n_samples, std::int64_t seed, SmcOptions options,
                              Progress& progress);

}  // namespace boltzflow
