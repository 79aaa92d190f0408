// SPDX-License-Identifier: MIT
// The path gradient of the forward KL divergence against the likelihood's.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "boltzflow/flow/spline_flow.hpp"
#include "boltzflow/training/trainer.hpp"
#include "boltzflow/training/weighted_fit.hpp"
#include "training/analytic_targets.hpp"

namespace boltzflow {
namespace {

constexpr ConditionerPrecision precision = ConditionerPrecision::float32;

struct SilentObserver final : TrainingObserver {
  void on_step(const StepReport&) override {}
  void on_message(const std::string&) override {}
};

/// A flow away from the identity, and what its gradient is on a batch.
class WeightedFitGradient : public testing::TestWithParam<bool> {
 protected:
  WeightedFitGradient() : flow_({{circular(), 0, 0}, {circular(), 0, 0}}, small(), 3) {
    at::Tensor parameters = flow_.flat_parameters().clone();
    RandomStream random(4);
    float* values = parameters.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < parameters.numel(); ++i) values[i] += static_cast<float>(0.05 * random.normal());
    flow_.set_flat_parameters(parameters);
  }
  static bool circular() { return GetParam(); }
  static SplineFlowOptions small() {
    SplineFlowOptions options;
    options.n_couplings = 4;
    options.hidden_width = 32;
    options.n_hidden_layers = 2;
    return options;
  }

  at::Tensor gradient(const SampleBuffer& buffer, const std::vector<double>& weights,
                      const WeightedFit::Regularization& regularization) {
    const TwoNormals target;
    TrainingOptions options = resolve_training_options({}, 2);
    SilentObserver observer;
    Trainer trainer(flow_, target, options, observer);
    WeightedFit fit(buffer.size(), precision);
    std::vector<std::uint32_t> all(buffer.size());
    std::iota(all.begin(), all.end(), 0u);
    fit.gather({&buffer}, all, weights,
               [](const SampleBuffer& samples, std::int64_t i) { return -samples.reduced_energy[i]; });
    WeightedFit::Totals totals;
    fit.step(trainer, 0, regularization, totals);
    EXPECT_EQ(totals.n_applied, 1);
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& parameter : flow_.parameters()) gradients.push_back(parameter.grad().reshape(-1).clone());
    return at::cat(gradients);
  }

  /// Points with the flow's own log-density and score, as if it were the target.
  SampleBuffer own_density(std::vector<float> points) const {
    const auto n = static_cast<std::int64_t>(points.size() / 2);
    SampleBuffer buffer;
    buffer.dimension = 2;
    buffer.z = std::move(points);
    const at::Tensor z = at::from_blob(buffer.z.data(), {n, 2}, at::kFloat).clone().requires_grad_(true);
    const at::Tensor log_prob = flow_.log_prob(z, precision);
    const at::Tensor score = torch::autograd::grad({log_prob}, {z}, {at::ones_like(log_prob)}).front().contiguous();
    buffer.score.assign(score.const_data_ptr<float>(), score.const_data_ptr<float>() + 2 * n);
    for (std::int64_t i = 0; i < n; ++i) buffer.reduced_energy.push_back(-log_prob[i].item<double>());
    buffer.log_prob.assign(n, 0);
    buffer.log_det.assign(n, 0);
    buffer.basins.assign(n, 0);
    return buffer;
  }
  static double norm(const at::Tensor& x) { return x.norm().item<double>(); }

  SplineFlow flow_;
  RandomStream random_{11};
};

TEST_P(WeightedFitGradient, VanishesOnEverySampleOfTheFlowItself) {
  const SampleBuffer buffer = own_density(TwoNormals::sample(8, random_));
  const at::Tensor likelihood = gradient(buffer, {}, {.log_dispersion = 1, .clip = 5});
  const at::Tensor path = gradient(buffer, {}, {.log_dispersion = 1, .clip = 5, .path_gradient = true});
  EXPECT_GT(norm(likelihood), 0.1);
  EXPECT_LT(norm(path), 1e-3 * norm(likelihood));
}

TEST_P(WeightedFitGradient, HoldsTheDispersionTermExactly) {
  SampleBuffer buffer = own_density(TwoNormals::sample(16, random_));
  std::vector<double> weights;
  for (double& energy : buffer.reduced_energy) {  // the scores stay the flow's, so that the path part is nothing
    energy += random_.normal();
    weights.push_back(2 * random_.uniform());
  }
  const at::Tensor with = gradient(buffer, weights, {.log_dispersion = 0.7, .clip = 1.2});
  const at::Tensor without = gradient(buffer, weights, {.log_dispersion = 0, .clip = 1.2});
  const at::Tensor path = gradient(buffer, weights, {.log_dispersion = 0.7, .clip = 1.2, .path_gradient = true});
  EXPECT_GT(norm(path), 0.1);
  EXPECT_LT(norm(path - (with - without)), 1e-3 * norm(path));
}

TEST_P(WeightedFitGradient, OverSamplesOfTheTargetIsThatOfTheLikelihood) {
  const TwoNormals target;
  const std::int64_t n = 40'000;
  SampleBuffer buffer;
  buffer.dimension = 2;
  buffer.z = TwoNormals::sample(n, random_);
  buffer.log_prob.assign(n, 0);
  buffer.log_det.assign(n, 0);
  buffer.reduced_energy.assign(n, 0);
  buffer.basins.assign(n, 0);
  buffer.score.assign(2 * n, 0);
  target.evaluate(buffer.z, buffer.log_det, buffer.reduced_energy, buffer.basins, buffer.score);
  const at::Tensor likelihood = gradient(buffer, {}, {.log_dispersion = 0, .clip = 5});
  const at::Tensor path = gradient(buffer, {}, {.log_dispersion = 0, .clip = 5, .path_gradient = true});
  // Both are means over 40,000 samples, of norms some tens of times the mean's at most.
  EXPECT_GT(norm(likelihood), 1);
  EXPECT_LT(norm(path - likelihood), 0.05 * norm(likelihood));
}

INSTANTIATE_TEST_SUITE_P(IntervalsAndCircles, WeightedFitGradient, testing::Bool(),
                         [](const auto& info) { return info.param ? "circles" : "intervals"; });

}  // namespace
}  // namespace boltzflow
