// SPDX-License-Identifier: MIT
#include "boltzflow/training/weighted_fit.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/training/trainer.hpp"

namespace boltzflow {

double WeightedFit::Totals::mean_nll() const { return nll / static_cast<double>(n_applied); }
double WeightedFit::Totals::mean_gradient_norm() const { return gradient_norm / static_cast<double>(n_applied); }

WeightedFit::WeightedFit(std::int64_t batch_size, ConditionerPrecision precision)
    : batch_size_(batch_size),
      precision_(precision),
      log_prob_gradient_(at::empty({batch_size}, at::kFloat)),
      weight_(batch_size),
      log_density_(batch_size),
      log_det_(batch_size) {}

void WeightedFit::gather(const std::vector<const SampleBuffer*>& buffers, std::span<const std::uint32_t> indices,
                         const std::vector<double>& weights,
                         const std::function<double(const SampleBuffer&, std::int64_t)>& log_density) {
  const int d = buffers.front()->dimension;
  if (!z_.defined()) z_ = at::empty({batch_size_, d}, at::kFloat);
  const bool with_score =
      std::ranges::none_of(buffers, [](const SampleBuffer* buffer) { return buffer->score.empty(); });
  if (with_score && !score_.defined()) score_ = at::empty({batch_size_, d}, at::kFloat);
  float* z = z_.mutable_data_ptr<float>();
  float* score = with_score ? score_.mutable_data_ptr<float>() : nullptr;
  for (std::int64_t b = 0; b < batch_size_; ++b) {
    std::int64_t i = indices[b];
    const SampleBuffer* const* buffer = buffers.data();
    while (i >= (*buffer)->size()) i -= (*buffer++)->size();
    std::copy_n((*buffer)->row(i), d, z + b * d);
    if (with_score) std::copy_n((*buffer)->score.data() + i * d, d, score + b * d);
    weight_[b] = weights.empty() ? 1.0 : weights[indices[b]];
    log_density_[b] = log_density(**buffer, i);
    log_det_[b] = (*buffer)->log_det[i];
  }
}

double log_dispersion_loss(std::span<const float> log_prob, std::span<const double> log_density,
                           std::span<const double> weight, const WeightedFit::Regularization& regularization,
                           std::span<float> log_prob_gradient, double likelihood_share) {
  const std::size_t n = log_prob.size();
  double mean = 0, total_weight = 0, likelihood = 0, dispersion = 0;
  for (std::size_t b = 0; b < n; ++b) {
    if (!std::isfinite(log_prob[b])) return std::numeric_limits<double>::quiet_NaN();
    mean += weight[b] * (log_density[b] - log_prob[b]);
    total_weight += weight[b];
  }
  mean /= total_weight;
  for (std::size_t b = 0; b < n; ++b) {
    const double deviation = std::clamp(log_density[b] - log_prob[b] - mean, -regularization.clip, regularization.clip);
    likelihood += weight[b] * log_prob[b];
    dispersion += weight[b] * deviation * deviation;
    log_prob_gradient[b] = static_cast<float>(
        -weight[b] * (likelihood_share + 2 * regularization.log_dispersion * deviation) / static_cast<double>(n));
  }
  return (regularization.log_dispersion * dispersion - likelihood) / static_cast<double>(n);
}

double WeightedFit::loss_of(const at::Tensor& log_prob, const Regularization& regularization, double likelihood_share,
                            double& nll) {
  const at::Tensor values = log_prob.detach().cpu().contiguous();
  const std::span<const float> log_prob_values(values.const_data_ptr<float>(), batch_size_);
  for (std::int64_t b = 0; b < batch_size_; ++b) nll -= weight_[b] * (log_prob_values[b] - log_det_[b]);
  return log_dispersion_loss(log_prob_values, log_density_, weight_, regularization,
                             std::span<float>(log_prob_gradient_.mutable_data_ptr<float>(), batch_size_),
                             likelihood_share);
}

at::Tensor WeightedFit::mean_weights() const {
  const at::Tensor weights = at::empty({batch_size_}, at::kFloat);
  float* values = weights.mutable_data_ptr<float>();
  for (std::int64_t b = 0; b < batch_size_; ++b)
    values[b] = static_cast<float>(weight_[b] / static_cast<double>(batch_size_));
  return weights;
}

double WeightedFit::backward(Trainer& trainer, const Regularization& regularization, double& nll) {
  const at::Device device = trainer.optimizer().parameters().front().device();
  const at::Tensor log_prob = trainer.flow().log_prob(z_.to(device), precision_);
  const double loss = loss_of(log_prob, regularization, 1, nll);
  if (std::isfinite(loss)) log_prob.backward(log_prob_gradient_.to(device));
  return loss;
}

double WeightedFit::path_backward(Trainer& trainer, const Regularization& regularization, double& nll) {
  const at::Device device = trainer.optimizer().parameters().front().device();
  const at::Tensor z = z_.to(device).detach().requires_grad_(true);
  const Density::Mapped inverse = trainer.flow().inverse(z, precision_);
  const at::Tensor log_prob = trainer.flow().base_log_prob(inverse.x) + inverse.log_det;
  const double loss = loss_of(log_prob, regularization, 0, nll);
  if (!std::isfinite(loss)) return loss;
  const at::Tensor flow_score = torch::autograd::grad({log_prob}, {z}, {at::ones_like(log_prob)}).front();
  const at::Tensor score_difference = (score_.to(device) - flow_score) * mean_weights().to(device).unsqueeze(1);

  const at::Tensor coefficient = log_prob_gradient_.to(device);  // of dlog q(z)/dtheta
  const Density::Mapped forward = trainer.flow().forward(inverse.x.detach(), precision_);
  torch::autograd::backward({forward.x, forward.log_det},
                            {-score_difference - coefficient.unsqueeze(1) * flow_score, -coefficient});
  return loss;
}

void WeightedFit::step(Trainer& trainer, double learning_rate, const Regularization& regularization, Totals& totals) {
  double nll = 0;
  totals.learning_rate = learning_rate * trainer.warm_up_factor();
  const Trainer::GradientStep step = trainer.gradient_step(learning_rate, [&] {
    return regularization.path_gradient ? path_backward(trainer, regularization, nll)
                                        : backward(trainer, regularization, nll);
  });
  if (!step.applied) return;
  totals.nll += nll / static_cast<double>(batch_size_);
  totals.gradient_norm += step.gradient_norm;
  ++totals.n_applied;
}

}  // namespace boltzflow
