// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace boltzflow {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// This is the Adam optimiser with gradient-norm clipping and a running average of the parameters, fused into two
/// passes over memory (the norm, then everything else); threaded and SIMD on the CPU, tensor operations on other
/// devices.
///
///     m_t = beta1 m_{t-1} + (1 - beta1) g_t,   v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
///     theta_t = theta_{t-1} - learning_rate (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + epsilon)
///
///               - learning_rate weight_decay theta_{t-1}
///
/// with g_t scaled by min(1, gradient_norm_clip / |g_t|). Same result for any number of threads.
/// @cite Kingma2015, "Adam: a method for stochastic optimization", Algorithm 1; Loshchilov2019, "Decoupled weight decay
/// regularization", Algorithm 2.
class Adam {
 public:
  /// @param parameters leaf tensors, float32, contiguous, all on one device; their .grad() is what step() reads.
  explicit Adam(std::vector<at::Tensor> parameters, AdamOptions options = {});

  struct Step {
    double gradient_norm;  ///< Euclidean, over all parameters, before clipping
    bool applied;          ///< false: the norm is not finite, and nothing was changed
  };
  /// One step in place; parameters without a gradient are left alone. Afterwards whoever caches something computed from
  /// the parameters must be told (SplineFlow::parameters_changed).
  /// @param gradient_norm_clip 0 or less: no clipping.
  Step step(double learning_rate, double gradient_norm_clip);

  /// Drops the gradients, so that the next backward pass writes new ones.
  void zero_gradients();

  /// Starts the average at the present parameters; step() then keeps  average <- decay average + (1 - decay) theta.
  void start_average(double decay);
  bool averages() const noexcept { return !averages_.empty(); }
  /// Copies the average into the parameters.
  void copy_average_to_parameters();

  std::int64_t n_steps() const noexcept { return n_steps_; }  ///< steps that were applied
  const std::vector<at::Tensor>& parameters() const noexcept { return parameters_; }

  /// The optimiser's tensors for a checkpoint, in one fixed order: parameters, first and second moments, and the
  /// averages if there are any. Write through them, with restore() for the rest, to bring a saved state back.
  std::vector<at::Tensor> state() const;
  /// @param decay of the average; negative: the state has no averages.
  void restore(std::int64_t n_steps, double decay);
  double average_decay() const noexcept { return average_decay_; }

 private:
  Step step_on_cpu(double learning_rate, double gradient_norm_clip);
  Step step_with_tensors(double learning_rate, double gradient_norm_clip);

  std::vector<at::Tensor> parameters_, first_moments_, second_moments_, averages_;
  AdamOptions options_;
  double average_decay_ = -1;
  std::int64_t n_steps_ = 0;
};

}  // namespace boltzflow
