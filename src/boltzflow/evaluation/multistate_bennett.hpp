// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "boltzflow/evaluation/estimate.hpp"

namespace boltzflow {

/// Free energies of K states from samples of some or all of them.
struct MultistateFreeEnergies {
  std::vector<double> free_energy;  ///< [n_states] kT, that of state 0 is 0
  std::vector<double> covariance;   ///< [n_states, n_states] up to a constant, which differences do not see
  int n_iterations = 0;

  /// F_to - F_from with its standard error (for independent samples), kT.
  Estimate difference(std::size_t from, std::size_t to) const;
};

/// This solves the equations of the multistate Bennett acceptance ratio (MBAR),
///
///     F_i = -log sum_n exp(-u_i(x_n)) / sum_k N_k exp(F_k - u_k(x_n)),
///
/// by Newton's method on their convex potential, with self-consistent steps where Newton's would not help, until the
/// equations hold to 1e-12. Errors from the asymptotic covariance (Shirts2008, Eq. D6, in its K x K form).
///
/// @param reduced_energy [n_states, n_samples] every sample's energy in every state, kT; +inf is a weight of zero.
/// @param n_samples_of_state [n_states] how many of the samples came from each state, in any order; 0 for states of
/// which
///        there are none, which are reweighted to. The sum is n_samples.
/// @throws InputError if sizes do not fit, a value is NaN or -inf, a sample has an infinite energy in all sampled
///         states, a state has an infinite energy for all samples, or sampled states share no samples, so that nothing
///         ties them together (the equations then do not converge).
/// Cost O(n_states n_samples) per iteration plus O(n_states^2 n_samples) for Newton's; ten iterations are typical.
/// @cite Shirts2008.
MultistateFreeEnergies multistate_bennett(std::span<const double> reduced_energy,
                                          std::span<const std::size_t> n_samples_of_state);

}  // namespace boltzflow
