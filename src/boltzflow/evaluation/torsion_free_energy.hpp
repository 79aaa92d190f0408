// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/evaluation/estimate.hpp"
#include "boltzflow/evaluation/free_energy.hpp"

namespace boltzflow {

/// A free-energy profile along a torsion.
struct TorsionProfile {
  std::vector<double> angle;          ///< [n_bins] rad, centres of bins from -pi to pi
  std::vector<Estimate> free_energy;  ///< [n_bins] kT, the lowest is 0; +inf with a NaN error where there is no weight
};

/// This returns -log p per bin of a torsion with bootstrap errors, from weighted samples or from dynamics.
/// @param angle [n_samples] rad, any turn. @param weight [n_samples] >= 0, or empty for equal weights.
/// @param n_blocks > 0: samples correlated in time, see bootstrap_indices(); 0: independent ones.
/// The error is that of the bin alone (without that of the lowest bin), NaN if a replicate left the bin empty.
/// @throws InputError as circle_histogram() and bootstrap_errors().
TorsionProfile torsion_profile(std::span<const double> angle, std::span<const double> weight, int n_bins,
                               std::size_t n_blocks, int n_replicates, const RandomStream& stream);

/// This counts: F_B - F_A = -log(P_B / P_A) in kT of two windows of a torsion, with its bootstrap error, from weighted
/// samples or from long dynamics. +inf if B is empty, -inf if A is, NaN if both are; the error is NaN if some replicate
/// had an empty window: the data do not resolve it.
/// @param n_blocks as above; for dynamics blocks longer than the time between transitions, at least 20.
Estimate counted_free_energy_difference(std::span<const double> angle, std::span<const double> weight, TorsionWindow a,
                                        TorsionWindow b, std::size_t n_blocks, int n_replicates,
                                        const RandomStream& stream);

}  // namespace boltzflow
