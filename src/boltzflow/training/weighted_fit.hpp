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
/// With forces, the likelihood's part is replaced by its path gradient: with T the flow, x_b = T^-1(z_b) and the score
/// difference g_b = grad_z log p_b - grad_z log q(z_b),
///
///     -mean_b w_b g_b . dT(x_b)/dtheta        instead of        -mean_b w_b dlog q(z_b)/dtheta
///
/// Over samples of p both have the same mean, the gradient of KL(p, q); but every sample's path gradient vanishes once
/// q = p, so that it never raises q at the samples at hand above p, and a sample tells d + 1 numbers instead of one.
/// Both parts then go through one backward pass of the sampling direction, since
///
///     dlog q(z)/dtheta = -dlog_det T(x)/dtheta - grad_z log q(z) . dT(x)/dtheta    at x = T^-1(z).
///
/// @cite off-policy log-dispersion regularisation, arXiv 2602.03729; path gradients of the forward KL divergence:
///       Vaitl, Nicoli, Nakajima & Kessel, Mach. Learn.: Sci. Technol. 3 (2022) 045006; Vaitl, Winkler, Richter &
///       Kessel, ICLR 2024 (arXiv 2403.15881).
class WeightedFit {
 public:
  struct Regularization {
    double log_dispersion;       ///< c
    double clip;                 ///< nats
    bool path_gradient = false;  ///< needs buffers with scores of the log density to be fitted
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
  double loss_of(const at::Tensor& log_prob, const Regularization& regularization, double likelihood_share,
                 double& nll);
  at::Tensor mean_weights() const;  ///< [batch_size] w_b / batch_size
  double backward(Trainer& trainer, const Regularization& regularization, double& nll);
  double path_backward(Trainer& trainer, const Regularization& regularization, double& nll);

  at::Tensor z_, score_, log_prob_gradient_;  // CPU
  std::vector<double> weight_, log_density_, log_det_;
};

/// The loss of a batch and its derivative by log_prob, as above, with the likelihood's part of the derivative scaled
/// (0: left to the path gradient). NaN if a log_prob is not finite (gradient then unset).
double log_dispersion_loss(std::span<const float> log_prob, std::span<const double> log_density,
                           std::span<const double> weight, const WeightedFit::Regularization& regularization,
                           std::span<float> log_prob_gradient, double likelihood_share = 1);

}  // namespace boltzflow
