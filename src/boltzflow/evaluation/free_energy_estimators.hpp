// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/evaluation/estimate.hpp"

namespace boltzflow {

/// Free-energy differences F_B - F_A in kT between two states, from generalised works. With a map M from A to B,
///
///     forward_n = u_B(M(x_n)) - u_A(x_n) - log|det dM/dx|(x_n),         x_n sampled from A
///     reverse_n = u_A(M^-1(y_n)) - u_B(y_n) - log|det dM^-1/dy|(y_n),   y_n sampled from B
///
/// (targeted free-energy perturbation, Jarzynski2002, Wirnsberger2020); without a map, differences of reduced energies.
/// +inf is the work of a point that the map takes out of the other state; it contributes nothing, and exactly so.

/// Exponential averaging (Zwanzig1954): -log mean exp(-forward). One-sided: trust it only where the works vary by a few
/// kT.
/// @returns +inf if every work is. @throws InputError if there are no works or one is NaN or -inf.
double exponential_average_forward(std::span<const double> forward);

/// +log mean exp(-reverse), -inf if every work is +inf. @throws InputError as above.
double exponential_average_reverse(std::span<const double> reverse);

/// Bennett's acceptance ratio, with the standard error of its large-sample theory for independent works: the root F of
///
///     sum_n f(forward_n - F + m) = sum_n f(reverse_n + F - m),   f(w) = 1 / (1 + exp(w)),  m = log(n_forward /
///     n_reverse)
///
/// which is unique, found to rounding by bracketing. The error is that of Shirts2003, Eq. 10 (by the variances of f
/// over either set). @returns NaN with a NaN error if all works of both sides are +inf; +inf or -inf if those of one
/// are.
/// @throws InputError if either set is empty or a work is NaN or -inf. @cite Bennett1976; Shirts2003.
Estimate bennett_acceptance_ratio(std::span<const double> forward, std::span<const double> reverse);

/// How far the two states see each other through the works.
struct WorkOverlap {
  double bar;  ///< in [0, 1], 1 for identical distributions; see work_overlap()
  double forward_effective_samples, reverse_effective_samples;  ///< (sum exp(-w))^2 / sum exp(-2 w)
  double forward_finite, reverse_finite;                        ///< share of works that are not +inf
};

/// `bar` is the sum of the off-diagonal elements of the two-state overlap matrix, the chance that a point of one state
/// is taken for one of the other, = 1 - its second eigenvalue. Below 0.06 (0.03 per element, Klimovich2015) a
/// difference should not be trusted.
/// @param difference F_B - F_A, from bennett_acceptance_ratio(). @throws InputError as there.
WorkOverlap work_overlap(std::span<const double> forward, std::span<const double> reverse, double difference);

/// All estimates of one pair of work sets with bootstrap errors beside.
struct FreeEnergyDifference {
  Estimate forward, reverse;    ///< exponential averages with bootstrap errors
  Estimate bennett;             ///< with its bootstrap error
  double bennett_theory_error;  ///< Shirts2003, for independent works
  WorkOverlap overlap;
};

/// This computes all of them. Works may be correlated in time: cut into n_blocks contiguous blocks for the bootstrap
/// (see bootstrap_indices()); 0 for independent ones.
/// @throws InputError as above, and if n_replicates < 2.
FreeEnergyDifference free_energy_difference(std::span<const double> forward, std::span<const double> reverse,
                                            std::size_t forward_blocks, std::size_t reverse_blocks, int n_replicates,
                                            const RandomStream& stream);

}  // namespace boltzflow
