// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <memory>
#include <span>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/transport/optimal_transport.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/continuous/flow_matching.hpp"
#include "boltzflow/training/mean_gradient.hpp"
#include "boltzflow/training/methods/gradient_descent.hpp"
#include "boltzflow/training/training_data.hpp"

namespace boltzflow {
namespace {

/// This trains a continuous flow's velocity on straight paths from base points to data (Lipman et al., ICLR 2023), with
/// base points independent of the data or assigned to it within the batch (Tong et al., TMLR 2024).
class FlowMatching final : public GradientDescent {
 public:
  using GradientDescent::GradientDescent;

 private:
  const ContinuousFlow& flow(Trainer& trainer) const {
    const auto* flow = dynamic_cast<const ContinuousFlow*>(&trainer.flow());
    if (!flow)
      throw ConfigurationError(
          "training.method: \"flow-matching\" trains a continuous flow; set flow.architecture to "
          "\"continuous\"");
    return *flow;
  }

  struct Batch {
    at::Tensor x0, x1, t, noise;
  };
  Batch batch(Trainer& trainer, const at::Tensor& x1, RandomStream& random) const {
    const std::int64_t n = x1.size(0);
    Batch result;
    result.x1 = x1;
    result.x0 = trainer.flow().base_sample(n, random).cpu();
    if (options_.flow_matching.coupling == "optimal-transport") {
      const auto points = [&](const at::Tensor& x) {
        return std::span<const float>(x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel()));
      };
      const OptimalTransport map =
          optimal_transport(points(result.x0), points(x1), static_cast<std::size_t>(x1.size(1)));
      const at::Tensor order = at::tensor(map.target_of_source, at::kInt).to(at::kLong);
      result.x1 = x1.index_select(0, order);
    }
    result.t = at::empty({n}, at::kFloat);
    float* t = result.t.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < n; ++i) t[i] = random.uniform_float();
    if (options_.flow_matching.noise > 0)
      result.noise = options_.flow_matching.noise * trainer.flow().base_sample(n, random);
    const at::Device device = trainer.optimizer().parameters().front().device();
    result.x0 = result.x0.to(device), result.x1 = result.x1.to(device), result.t = result.t.to(device);
    return result;
  }

  double backward(Trainer& trainer, std::int64_t) override {
    const Batch b =
        batch(trainer, trainer.data()->draw(options_.trainer.batch_size, trainer.random()), trainer.random());
    return backward_of_mean(trainer.flow(), b.t.size(0), [&](std::int64_t first, std::int64_t count) {
      const auto part = [&](const at::Tensor& x) { return x.defined() ? x.narrow(0, first, count) : x; };
      return flow_matching_loss(flow(trainer).velocity(), part(b.x0), part(b.x1), part(b.t), precision_, part(b.noise));
    });
  }

  std::string phase(std::int64_t) const override { return "match"; }
  bool can_monitor() const override { return false; }  // exact likelihoods take minutes

  Metrics validate(Trainer& trainer) override {
    const std::int64_t n = options_.fit.validation_samples;
    if (n == 0 || trainer.data()->n_validation() == 0) return {};
    const c10::NoGradGuard no_grad;
    RandomStream random = prepare_random(trainer);  // the same points every time
    const Batch b = batch(trainer, trainer.data()->validation(n), random);
    return {{"validation_loss",
             flow_matching_loss(flow(trainer).velocity(), b.x0, b.x1, b.t, precision_, b.noise).item<double>()}};
  }
};

}  // namespace

std::unique_ptr<Method> make_flow_matching(const TrainingOptions& options) {
  return std::make_unique<FlowMatching>(options);
}

}  // namespace boltzflow
