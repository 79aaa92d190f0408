// SPDX-License-Identifier: MIT
#include <memory>

#include "boltzflow/training/methods/gradient_descent.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {
namespace {

/// Maximum likelihood on data: the loss is -1/n sum log q(x), the baseline that regression is measured against.
class MaximumLikelihood final : public GradientDescent {
 public:
  using GradientDescent::GradientDescent;

 private:
  double backward(Trainer& trainer, std::int64_t) override {
    return maximum_likelihood_backward(trainer, options_.trainer.batch_size, precision_);
  }
  std::string phase(std::int64_t) const override { return "fit"; }
  Metrics validate(Trainer& trainer) override {
    return {{"nll", validation_nll(trainer, options_.fit.validation_samples, sampling_precision_)}};
  }
};

}  // namespace

std::unique_ptr<Method> make_maximum_likelihood(const TrainingOptions& options) {
  return std::make_unique<MaximumLikelihood>(options);
}

}  // namespace boltzflow
