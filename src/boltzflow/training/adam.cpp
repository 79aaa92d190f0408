// SPDX-License-Identifier: MIT
#include "boltzflow/training/adam.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/training/kernels/optimizer_kernels.hpp"

namespace boltzflow {
namespace {

/// Pieces of the parameters small enough to share among threads; the norm is summed piece by piece in this order.
struct Piece {
  std::size_t tensor;
  std::int64_t begin, size;
};
constexpr std::int64_t piece_size = 16384;

std::vector<Piece> pieces_with_gradient(const std::vector<at::Tensor>& parameters) {
  std::vector<Piece> pieces;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    if (!parameters[k].grad().defined()) continue;
    for (std::int64_t begin = 0; begin < parameters[k].numel(); begin += piece_size)
      pieces.push_back({k, begin, std::min(piece_size, parameters[k].numel() - begin)});
  }
  return pieces;
}

}  // namespace

Adam::Adam(std::vector<at::Tensor> parameters, AdamOptions options)
    : parameters_(std::move(parameters)), options_(options) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.scalar_type() != at::kFloat || !parameter.is_contiguous())
      throw InputError("Adam needs contiguous float32 parameters");
    first_moments_.push_back(at::zeros_like(parameter.detach()));
    second_moments_.push_back(at::zeros_like(parameter.detach()));
  }
}

Adam::Step Adam::step(double learning_rate, double gradient_norm_clip) {
  const at::NoGradGuard no_grad;
  const bool cpu = parameters_.empty() || parameters_.front().is_cpu();
  return cpu ? step_on_cpu(learning_rate, gradient_norm_clip) : step_with_tensors(learning_rate, gradient_norm_clip);
}

Adam::Step Adam::step_on_cpu(double learning_rate, double gradient_norm_clip) {
  std::vector<const float*> gradients(parameters_.size(), nullptr);
  std::vector<at::Tensor> contiguous;  // keeps copies of strided gradients alive
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const at::Tensor& gradient = parameters_[k].grad();
    if (!gradient.defined()) continue;
    contiguous.push_back(gradient.contiguous());
    gradients[k] = contiguous.back().const_data_ptr<float>();
  }
  const std::vector<Piece> pieces = pieces_with_gradient(parameters_);
  const auto n_pieces = static_cast<std::int64_t>(pieces.size());

  const auto sum_of_squares = for_this_cpu(&baseline::sum_of_squares, &avx2::sum_of_squares, &avx512::sum_of_squares);
  std::vector<double> squares(pieces.size());
  parallel_for(n_pieces, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i)
      squares[i] = sum_of_squares(gradients[pieces[i].tensor] + pieces[i].begin, pieces[i].size);
  });
  double total = 0;
  for (const double square : squares) total += square;
  const double norm = std::sqrt(total);
  if (!std::isfinite(norm)) return {norm, false};

  ++n_steps_;
  const auto t = static_cast<double>(n_steps_);
  const AdamCoefficients coefficients{
      .gradient_scale =
          static_cast<float>(gradient_norm_clip > 0 && norm > gradient_norm_clip ? gradient_norm_clip / norm : 1.0),
      .step_size = static_cast<float>(learning_rate / (1 - std::pow(options_.beta1, t))),
      .inverse_second_correction = static_cast<float>(1 / (1 - std::pow(options_.beta2, t))),
      .beta1 = static_cast<float>(options_.beta1),
      .beta2 = static_cast<float>(options_.beta2),
      .epsilon = static_cast<float>(options_.epsilon),
      .average_decay = static_cast<float>(average_decay_),
      .shrinkage = static_cast<float>(1 - learning_rate * options_.weight_decay)};
  const auto adam_update = for_this_cpu(&baseline::adam_update, &avx2::adam_update, &avx512::adam_update);
  std::vector<float*> values, first, second, average;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    values.push_back(parameters_[k].mutable_data_ptr<float>());
    first.push_back(first_moments_[k].mutable_data_ptr<float>());
    second.push_back(second_moments_[k].mutable_data_ptr<float>());
    average.push_back(averages_.empty() ? nullptr : averages_[k].mutable_data_ptr<float>());
  }
  parallel_for(n_pieces, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto& [k, offset, size] = pieces[i];
      adam_update(values[k] + offset, first[k] + offset, second[k] + offset,
                  average[k] == nullptr ? nullptr : average[k] + offset, gradients[k] + offset, size, coefficients);
    }
  });
  return {norm, true};
}

Adam::Step Adam::step_with_tensors(double learning_rate, double gradient_norm_clip) {
  double total = 0;
  at::Tensor squares;  // one transfer from the device for all parameters
  for (const at::Tensor& parameter : parameters_) {
    if (!parameter.grad().defined()) continue;
    const at::Tensor square = parameter.grad().square().sum(at::kDouble);
    squares = squares.defined() ? squares + square : square;
  }
  if (squares.defined()) total = squares.item<double>();
  const double norm = std::sqrt(total);
  if (!std::isfinite(norm)) return {norm, false};

  ++n_steps_;
  const auto t = static_cast<double>(n_steps_);
  const double scale = gradient_norm_clip > 0 && norm > gradient_norm_clip ? gradient_norm_clip / norm : 1.0;
  const double step_size = learning_rate / (1 - std::pow(options_.beta1, t));
  const double second_correction = 1 - std::pow(options_.beta2, t);
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    if (!parameters_[k].grad().defined()) continue;
    const at::Tensor gradient = parameters_[k].grad() * scale;
    first_moments_[k].mul_(options_.beta1).add_(gradient, 1 - options_.beta1);
    second_moments_[k].mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
    if (options_.weight_decay > 0) parameters_[k].mul_(1 - learning_rate * options_.weight_decay);
    parameters_[k].addcdiv_(first_moments_[k], (second_moments_[k] / second_correction).sqrt_().add_(options_.epsilon),
                            -step_size);
    if (!averages_.empty()) averages_[k].mul_(average_decay_).add_(parameters_[k], 1 - average_decay_);
  }
  return {norm, true};
}

void Adam::zero_gradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
}

void Adam::start_average(double decay) {
  const at::NoGradGuard no_grad;
  average_decay_ = decay;
  averages_.clear();
  for (const at::Tensor& parameter : parameters_) averages_.push_back(parameter.detach().clone());
}

void Adam::copy_average_to_parameters() {
  const at::NoGradGuard no_grad;
  for (std::size_t k = 0; k < averages_.size(); ++k) parameters_[k].copy_(averages_[k]);
}

std::vector<at::Tensor> Adam::state() const {
  std::vector<at::Tensor> tensors;
  for (const at::Tensor& parameter : parameters_) tensors.push_back(parameter.detach());
  tensors.insert(tensors.end(), first_moments_.begin(), first_moments_.end());
  tensors.insert(tensors.end(), second_moments_.begin(), second_moments_.end());
  tensors.insert(tensors.end(), averages_.begin(), averages_.end());
  return tensors;
}

void Adam::restore(std::int64_t n_steps, double decay) {
  n_steps_ = n_steps;
  averages_.clear();
  average_decay_ = -1;
  if (decay >= 0) start_average(decay);
}

}  // namespace boltzflow
