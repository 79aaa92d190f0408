// SPDX-License-Identifier: MIT
#include "boltzflow/training/weighted_fit.hpp"

#include <ATen/ops/empty.h>

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
  float* z = z_.mutable_data_ptr<float>();
  for (std::int64_t b = 0; b < batch_size_; ++b) {
    std::int64_t i = indices[b];
    const SampleBuffer* const* buffer = buffers.data();
    while (i >= (*buffer)->size()) i -= (*buffer++)->size();
    std::copy_n((*buffer)->row(i), d, z + b * d);
    weight_[b] = weights.empty() ? 1.0 : weights[indices[b]];
    log_density_[b] = log_density(**buffer, i);
    log_det_[b] = (*buffer)->log_det[i];
  }
}

double log_dispersion_loss(std::span<const float> log_prob, std::span<const double> log_density,
                           std::span<const double> weight, const WeightedFit::Regularization& regularization,
                           std::span<float> log_prob_gradient) {
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
    log_prob_gradient[b] =
        static_cast<float>(-weight[b] * (1 + 2 * regularization.log_dispersion * deviation) / static_cast<double>(n));
  }
  return (regularization.log_dispersion * dispersion - likelihood) / static_cast<double>(n);
}

void WeightedFit::step(Trainer& trainer, double learning_rate, const Regularization& regularization, Totals& totals) {
  double nll = 0;
  totals.learning_rate = learning_rate * trainer.warm_up_factor();
  const Trainer::GradientStep step = trainer.gradient_step(learning_rate, [&] {
    const at::Device device = trainer.optimizer().parameters().front().device();
    const at::Tensor log_prob = trainer.flow().log_prob(z_.to(device), precision_);
    const at::Tensor values = log_prob.detach().cpu().contiguous();
    const std::span<const float> log_prob_values(values.const_data_ptr<float>(), batch_size_);
    const double loss =
        log_dispersion_loss(log_prob_values, log_density_, weight_, regularization,
                            std::span<float>(log_prob_gradient_.mutable_data_ptr<float>(), batch_size_));
    if (!std::isfinite(loss)) return loss;
    for (std::int64_t b = 0; b < batch_size_; ++b) nll -= weight_[b] * (log_prob_values[b] - log_det_[b]);
    log_prob.backward(log_prob_gradient_.to(device));
    return loss;
  });
  if (!step.applied) return;
  totals.nll += nll / static_cast<double>(batch_size_);
  totals.gradient_norm += step.gradient_norm;
  ++totals.n_applied;
}

}  // namespace boltzflow
