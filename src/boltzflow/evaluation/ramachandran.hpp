// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

namespace boltzflow {

/// A histogram of angles over the circle or of pairs of angles over the torus [-pi, pi)^2, in probabilities that sum to
/// one.
struct CircularHistogram {
  int n_bins = 0;                   ///< per angle; bin i holds [-pi + i w, -pi + (i + 1) w), w = 2 pi / n_bins
  std::vector<double> probability;  ///< [n_bins] or, the first angle slower, [n_bins, n_bins]
};

/// This bins one angle, in rad, wrapped; weight [n_samples] >= 0 with any sum, or empty for equal weights.
/// @throws InputError if there are no samples, lengths differ, an angle or weight is NaN or all weights are zero.
CircularHistogram circle_histogram(std::span<const double> angle, std::span<const double> weight, int n_bins);

/// This bins pairs of angles, as circle_histogram().
CircularHistogram torus_histogram(std::span<const double> phi, std::span<const double> psi,
                                  std::span<const double> weight, int n_bins = 100);

/// This returns the total variation distance 1/2 sum_ij |p_ij - q_ij|, in [0, 1].
/// @throws InputError if the histograms have different bins.
double total_variation(const CircularHistogram& p, const CircularHistogram& q);

/// This returns KL(p || q) of histograms of probabilities p, q, with 1e-10 added to both densities (per rad, or rad^2),
/// so that a bin that q has not visited costs a finite amount:
///
///     KL = sum_ij p_ij log( (p_ij / area + 1e-10) / (q_ij / area + 1e-10) )
///
/// @param p the reference, @param q the flow. In nats. @throws InputError if the histograms have different bins.
/// @cite Schopmans2025 (TA-BG), "Ram KL", of 100 x 100 bins.
double kullback_leibler_divergence(const CircularHistogram& p, const CircularHistogram& q);

}  // namespace boltzflow
