// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <memory>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/mean_gradient.hpp"
#include "boltzflow/training/methods/gradient_descent.hpp"
#include "boltzflow/training/regression_pairs.hpp"
#include "boltzflow/training/regression_regularization.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {
namespace {

/// Regression of a flow on pairs (x0, x1 = f*(x0)) of a known invertible map f* (RegFlow, arXiv 2506.01158):
///
///     L = 1/(n d) sum_n |f(x0) - (x1 + lambda_n eps)|^2 + lambda_r R
///     R = 1/n sum (log|det df/dx0|)^2          "log-det"
///         1/(n d) sum |f^-1(f(x0)) - x0|^2     "forward-backward"; zero but for rounding where the inverse is exact
///         1/(n d) sum |f^-1(x1) - x0|^2        "backward": the regression in the other direction
///
/// Then, where asked for, maximum likelihood on the data from where the regression ended.
class Regflow final : public GradientDescent {
 public:
  using GradientDescent::GradientDescent;

 private:
  const RegflowOptions& settings() const { return options_.regflow; }

  bool prepare(Trainer& trainer) override {
    RandomStream random = prepare_random(trainer);
    const int d = trainer.flow().dimension();
    if (trainer.data()->dimension() != d)
      throw ConfigurationError(fmt::format("the data have {} dimensions, the flow {}", trainer.data()->dimension(), d));
    if (settings().targets == "reflow") {
      pairs_ = make_reflow_pairs(trainer, settings());
    } else {
      trainer.message(fmt::format("assigning {} draws of the base density to data", settings().n_pairs));
      pairs_ = make_optimal_transport_pairs(trainer.flow(), *trainer.data(), settings().n_pairs, random);
      trainer.message(fmt::format("optimal transport of {} points: root mean square distance {:.4f}",
                                  settings().n_pairs, pairs_->root_mean_square_distance()));
    }
    return pairs_ != nullptr;
  }

  std::int64_t n_steps() const override { return options_.fit.gradient_steps + settings().maximum_likelihood_steps; }
  bool regressing(std::int64_t step) const { return step < options_.fit.gradient_steps; }
  std::string phase(std::int64_t step) const override { return regressing(step) ? "regress" : "fit"; }

  double backward(Trainer& trainer, std::int64_t step) override {
    const at::Device device = trainer.optimizer().parameters().front().device();
    if (!regressing(step)) return maximum_likelihood_backward(trainer, options_.trainer.batch_size, precision_);
    RegressionPairs::Batch pairs = pairs_->draw(options_.trainer.batch_size, trainer.random());
    trainer.data()->rotate_together(pairs.x0, pairs.x1, trainer.random());
    const at::Tensor x0 = pairs.x0.to(device), x1 = pairs.x1.to(device);
    at::Tensor target = x1;
    if (settings().target_noise > 0)
      target = target + settings().target_noise * trainer.flow().base_sample(x1.size(0), trainer.random());
    return backward_of_mean(trainer.flow(), x0.size(0), [&](std::int64_t first, std::int64_t count) {
      const auto part = [&](const at::Tensor& x) { return x.narrow(0, first, count); };
      const Density::Mapped mapped = trainer.flow().forward(part(x0), precision_);
      const at::Tensor error = (mapped.x - part(target)).square().mean();
      const at::Tensor term =
          regression_regularization(settings().regularization, trainer.flow(), mapped, part(x0), part(x1), precision_);
      return term.defined() ? error + settings().regularization_coefficient * term : error;
    });
  }

  Metrics validate(Trainer& trainer) override {
    const c10::NoGradGuard no_grad;
    RandomStream random = prepare_random(trainer);
    const RegressionPairs::Batch pairs = pairs_->draw(std::min<std::int64_t>(1024, pairs_->size()), random);
    const at::Device device = trainer.optimizer().parameters().front().device();
    const at::Tensor x0 = pairs.x0.to(device);
    const Density::Mapped mapped = trainer.flow().forward(x0, sampling_precision_);
    Metrics metrics = {{"regression_error", (mapped.x - pairs.x1.to(device)).square().mean().item<double>()},
                       {"log_det", mapped.log_det.mean().item<double>()}};
    if (options_.fit.validation_samples > 0)
      metrics.emplace_back("nll", validation_nll(trainer, options_.fit.validation_samples, sampling_precision_));
    return metrics;
  }

  std::unique_ptr<RegressionPairs> pairs_;
};

}  // namespace

std::unique_ptr<Method> make_regflow(const TrainingOptions& options) { return std::make_unique<Regflow>(options); }

}  // namespace boltzflow
