// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "boltzflow/flow/spline_flow.hpp"
#include "boltzflow/training/sample_buffer.hpp"

namespace boltzflow {

class Trainer;

/// This fits the flow to a weighted buffer by batches, with log-dispersion regularisation:
///
///     loss = -mean_b w_b log q(z_b)  +  c mean_b w_b (d_b - d)^2,    d_b = log p_b - log q(z_b),  d = sum w d_b / sum
///     w
///
/// with log p_b the log density to be fitted, up to a constant, and |d_b - d| counted as `clip` where it is larger.
/// Its derivative by log q(z_b) is -w_b (1 + 2 c (d_b - d)) / B, computed in float64 here; only log q is differentiated
/// by autograd.
/// @cite off-policy log-dispersion regularisation, arXiv 2602.03729.
class WeightedFit {
 public:
  struct Regularization {
    double log_dispersion;  ///< c
    double clip;            ///< nats
  };
  /// Over the steps of a round.
  struct Totals {
    double nll = 0, gradient_norm = 0;
    double learning_rate = 0;    ///< of the latest step
    std::int64_t n_applied = 0;  ///< steps that were not skipped
    double mean_nll() const;     ///< of -log q(x) = -(log q(z) - log_det); NaN if every step was skipped
    double mean_gradient_norm() const;
  };

  WeightedFit(std::int64_t batch_size, ConditionerPrecision precision);

  /// Copies a batch together. `indices` count through all buffers, one after the other; `weights` are indexed likewise,
  /// or empty for ones. log_density(buffer, i) is log p of a buffer's i-th sample.
  void gather(const std::vector<const SampleBuffer*>& buffers, std::span<const std::uint32_t> indices,
              const std::vector<double>& weights,
              const std::function<double(const SampleBuffer&, std::int64_t)>& log_density);

  /// One gradient step on the gathered batch.
  void step(Trainer& trainer, double learning_rate, const Regularization& regularization, Totals& totals);

 private:
  std::int64_t batch_size_;
  ConditionerPrecision precision_;
  at::Tensor z_, log_prob_gradient_;  // CPU
  std::vector<double> weight_, log_density_, log_det_;
};

/// The loss of a batch and its derivative by log_prob, as above. NaN if a log_prob is not finite (gradient then unset).
double log_dispersion_loss(std::span<const float> log_prob, std::span<const double> log_density,
                           std::span<const double> weight, const WeightedFit::Regularization& regularization,
                           std::span<float> log_prob_gradient);

}  // namespace boltzflow
