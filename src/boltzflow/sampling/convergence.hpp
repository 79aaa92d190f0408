// SPDX-License-Identifier: MIT
#pragma once
#include <span>

namespace boltzflow {

/// What independent chains say about the mean of a quantity, and whether they agree.
struct Convergence {
  double mean;                  ///< over everything
  double standard_deviation;    ///< of the quantity, between-chain differences included: sqrt(var+)
  double autocorrelation_time;  ///< integrated, in samples: tau = 1 + 2 sum_t rho_t; 1 for independent ones
  double effective_samples;     ///< n_chains n_samples / tau
  double standard_error;        ///< of the mean: standard_deviation / sqrt(effective_samples)
  double gelman_rubin;          ///< split R-hat, 1 where the chains agree; above 1.01 they are too short
};

/// This compares chains that sample one distribution.
///
///     W = mean of the chains' variances,  B = n * variance of their means,  var+ = (n - 1)/n W + B/n
///     R-hat = sqrt(var+ / W)  of the chains' halves;  rho_t = 1 - (W - mean of the chains' autocovariances at t) /
///     var+ tau = -1 + 2 sum_k P_k,  P_k = rho_2k + rho_2k+1,  summed while P_k > 0 and made monotone
///
/// @param values [n_chains, n_samples], chain by chain, in time's order.
/// A quantity that never changes, or chains of fewer than 4 samples, have NaN for everything but the mean. Chains that
/// are trapped apart have a large R-hat and a tau of about their length.
/// @throws InputError if values is empty or does not divide into n_chains, or n_chains is less than 1.
/// Cost O(n log n) by Fourier transform.
/// @cite Gelman & Rubin, Stat. Sci. 7 (1992) 457; Geyer, Stat. Sci. 7 (1992) 473 (initial monotone sequence); Vehtari,
///       Gelman, Simpson, Carpenter & Buerkner, Bayesian Anal. 16 (2021) 667, Eqs. 1-4 and 10-13.
Convergence assess_convergence(std::span<const double> values, int n_chains);

/// The integrated autocorrelation time of one series, in samples; as above for one chain.
double integrated_autocorrelation_time(std::span<const double> series);

}  // namespace boltzflow
