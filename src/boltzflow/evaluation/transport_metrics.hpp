// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/evaluation/evaluate.hpp"

namespace boltzflow {

/// The rows of metrics that cost too much for a bootstrap over all samples: T-W2 on the torus of all phi and psi, and
/// the mean W1 of pair distances, of samples as they are and reweighted. They stand in Evaluation::metrics like others.
std::span<const MetricEntry> transport_metrics();

/// This computes those of them that the input allows, from random subsets of n points of samples and reference.
///
/// n = min(options.n_transport_points, samples, half the reference frames). The value is the mean over
/// options.n_transport_draws subsets without replacement; the error the standard deviation between as many subsets of
/// bootstrap replicates (a reference in blocks, where it says so): the error of one comparison, not of the mean. For
/// reweighted ones the samples are drawn by systematic resampling. The floor is the same distance between two subsets
/// of the reference from different halves of it (blocks kept whole), mean and deviation.
/// Returns nothing if options.n_transport_points is 0, there is no reference, or it has fewer than two frames (blocks).
std::vector<MetricValue> transport_metric_values(const EvaluationInput& input, std::span<const double> weight,
                                                 const EvaluationOptions& options, const RandomStream& stream);

}  // namespace boltzflow
