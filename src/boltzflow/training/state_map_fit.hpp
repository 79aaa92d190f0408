// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <functional>

#include "boltzflow/training/state_map.hpp"
#include "boltzflow/training/train.hpp"

namespace boltzflow {

/// What fitting a map cost and came to.
struct StateMapFit {
  std::int64_t n_pairs = 0, n_assignments = 0;
  double root_mean_square_distance = 0;  ///< of the pairs, in deviations
  double regression_error = 0;           ///< 1/(n d) sum |f(x_A) - x_B|^2 over all pairs, averaged parameters
  double transport_seconds = 0, training_seconds = 0;
  bool stopped = false;  ///< `go_on` said so; the map is as far as it came
};

/// This trains the flow f of a map between two states on their training points alone, without energies:
///
///     L = 1/(n d) sum_n |f(x_A) - x_B|^2 + lambda_r R
///
/// with pairs (x_A, x_B) of standardised points by exact optimal transport, and R as in RegFlow (arXiv 2506.01158):
/// 1/n sum (log|det df|)^2 "log-det", the regression of the other direction "backward", "forward-backward" or "none".
///
/// The larger set, shuffled, is cut into parts of the size of the smaller, and each part is assigned to all of the
/// smaller, so that no point of either is wasted: method.regflow.n_pairs pairs at most, and at most 20,000 per
/// assignment. Adam with warm-up, half a cosine, clipping and a running average as all methods have it; settings
/// training.{learning_rate, warm_up_steps, gradient_norm_clip, batch_size, ema_decay, weight_decay, precision,
/// maximum_minutes}, method.fit.{gradient_steps, learning_rate_end}, method.regflow.{n_pairs, regularization,
/// regularization_coefficient}. No steps leave f the identity.
///
/// @param a, b [n, dimension] float64 training points, as given to the map's constructor.
/// @param go_on called after every step with the number of steps and its loss; false stops.
/// @throws ConfigurationError for reflow targets, target noise or maximum-likelihood steps, which have no meaning here.
StateMapFit fit_state_map(StateMap& map, const at::Tensor& a, const at::Tensor& b, const TrainingOptions& options,
                          const std::function<bool(std::int64_t step, double loss)>& go_on);

}  // namespace boltzflow
