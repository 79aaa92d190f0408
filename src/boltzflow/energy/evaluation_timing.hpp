// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include "boltzflow/energy/potential.hpp"

namespace boltzflow {

enum class TimedEvaluation { energy, energy_and_gradient };

/// This measures what one evaluation costs: the median over `n_repetitions` of the wall time of a call for all of
/// `positions` [n_samples, n_atoms, 3] nm divided by n_samples, in seconds; one call before that warms up. The number
/// of threads is thread_count().
/// @throws InputError if positions hold no whole sample or n_repetitions < 1.
double seconds_per_evaluation(const Potential& potential, std::span<const float> positions, TimedEvaluation what,
                              int n_repetitions);
double seconds_per_evaluation(const Potential& potential, std::span<const double> positions, TimedEvaluation what,
                              int n_repetitions);

}  // namespace boltzflow
