// SPDX-License-Identifier: MIT
// The fused coupling layer against the same layer in plain tensor operations in float64, gradients by autograd.
#include "boltzflow/flow/coupling_layer.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/composite_coupling.hpp"

namespace boltzflow {
namespace {

constexpr auto directions = {CouplingDirection::forward, CouplingDirection::inverse};

/// Every third dimension is an interval, the others circles; even ones condition.
CouplingLayout layout_of(int dimension, int width, int n_hidden, int n_bins) {
  CouplingLayout layout;
  layout.dimension = dimension;
  layout.n_bins = n_bins;
  layout.hidden_width = width;
  layout.n_hidden_layers = n_hidden;
  layout.circular_shift = 0.3;
  for (int i = 0; i < dimension; ++i) {
    layout.circular.push_back(i % 3 != 0);
    (i % 2 == 0 ? layout.conditioning : layout.transformed).push_back(i);
  }
  return layout;
}

at::Tensor filled(at::IntArrayRef sizes, RandomStream& random, double scale, bool uniform) {
  at::Tensor t = at::empty(sizes, at::kFloat);
  float* data = t.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < t.numel(); ++i)
    data[i] = uniform ? random.uniform_float() : static_cast<float>(scale * random.normal());
  return t;
}

/// A network that bends the splines visibly without steep bins: 0.05 is what a trained layer's weights are like.
at::Tensor parameters_of(const CouplingLayer& layer, RandomStream& random) {
  at::Tensor parameters = filled({layer.n_parameters()}, random, 1, false);
  const auto& layout = layer.parameter_layout();
  for (std::size_t l = 0; l < layout.size(); ++l) {
    const bool last = l + 1 == layout.size();
    auto weights = parameters.narrow(0, layout[l].weight_offset, layout[l].bias_offset - layout[l].weight_offset);
    weights.mul_(last ? 0.05 : std::sqrt(2.0 / layout[l].n_inputs));
    parameters.narrow(0, layout[l].bias_offset, layout[l].n_outputs).mul_(last ? 0.3 : 0.1);
  }
  return parameters;
}

struct Evaluation {
  at::Tensor x, log_det, x_gradient, parameter_gradient;
};

/// Gradients of sum(a x') + sum(b log_det) for random a, b.
template <class Map>
Evaluation differentiate(Map map, at::Tensor x, at::Tensor parameters, const at::Tensor& a, const at::Tensor& b) {
  x = x.detach().clone().requires_grad_(true);
  if (!parameters.requires_grad()) parameters.requires_grad_(true);
  parameters.mutable_grad().reset();
  const auto mapped = map(x, parameters);
  const at::Tensor loss = (mapped.x * a).sum() + (mapped.log_det * b).sum();
  torch::autograd::backward({loss}, {});
  return {mapped.x.detach(), mapped.log_det.detach(), x.grad(), parameters.grad()};
}

double relative(const at::Tensor& a, const at::Tensor& reference) {
  return ((a.to(at::kDouble) - reference).norm() / reference.norm()).item<double>();
}
double largest(const at::Tensor& a) { return a.abs().max().item<double>(); }
/// On a circle 0 and 1 are one point.
at::Tensor distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor d = (a - b).abs();
  return at::minimum(d, (1 - d).abs());
}

struct Problem {
  CouplingLayout layout;
  std::int64_t n_samples;
};
const std::vector<Problem> problems = {{layout_of(13, 64, 3, 8), 700},
                                       {layout_of(2, 5, 1, 2), 1},
                                       {layout_of(7, 33, 2, 5), 31},
                                       {layout_of(60, 256, 5, 8), 70}};

struct Limits {
  double x, log_det, x_gradient, parameter_gradient;
};

void compare_with_composite(ConditionerPrecision precision, Limits limits) {
  for (const auto& problem : problems) {
    for (auto direction : directions) {
      SCOPED_TRACE(std::to_string(problem.layout.dimension) +
                   (direction == CouplingDirection::forward ? " forward" : " inverse"));
      RandomStream random(11);
      CouplingLayer layer(problem.layout);
      CompositeCoupling composite(problem.layout);
      const std::int64_t d = problem.layout.dimension, n = problem.n_samples;
      const at::Tensor x = filled({d, n}, random, 1, true), parameters = parameters_of(layer, random);
      const at::Tensor a = filled({d, n}, random, 1, false), b = filled({n}, random, 1, false);
      layer.set_parameters(parameters);
      const auto fused =
          differentiate([&](const at::Tensor& x, const at::Tensor&) { return layer.map(direction, x, precision); }, x,
                        parameters, a, b);
      const auto expected = differentiate(
          [&](const at::Tensor& x, const at::Tensor& p) {
            auto mapped = composite.map(direction, p, x.t(), precision);
            return CompositeCoupling::Mapped{mapped.x.t(), mapped.log_det};
          },
          x.to(at::kDouble), parameters.detach().to(at::kDouble), a.to(at::kDouble), b.to(at::kDouble));
      EXPECT_LE(largest(distance(fused.x.to(at::kDouble), expected.x)), limits.x);
      EXPECT_LE(largest(fused.log_det.to(at::kDouble) - expected.log_det), limits.log_det);
      EXPECT_LE(relative(fused.x_gradient, expected.x_gradient), limits.x_gradient);
      EXPECT_LE(relative(fused.parameter_gradient, expected.parameter_gradient), limits.parameter_gradient);

      // Without gradients: the same numbers.
      const c10::AutoGradMode no_gradients(false);
      const auto plain = layer.map(direction, x, precision);
      EXPECT_TRUE(at::equal(plain.x, fused.x));
      EXPECT_TRUE(at::equal(plain.log_det, fused.log_det));
    }
  }
}

TEST(CouplingLayer, Float32AgreesWithTheCompositeInFloat64) {
  // float32 rounding (6e-8) times the slopes of bins; a sample that rounding puts on the other side of a knot changes
  // its gradients by O(1), which the norm over all samples sees as sqrt(1 / n) at worst and did not see here.
  compare_with_composite(ConditionerPrecision::float32, {5e-6, 2e-4, 2e-3, 2e-3});
}

TEST(CouplingLayer, Bfloat16AgreesWithTheCompositeInFloat64) {
  if (!has_amx_bf16()) GTEST_SKIP() << "the library rounds elsewhere than the composite; see ConditionerEngine's tests";
  // The composite rounds the same factors to bfloat16, so the two part only where float32 sums fall on the other side
  // of a rounding: by single parameters of 2^-9, which a sample near a knot turns into errors of x of 4e-3 and of
  // log_det of 2e-2. Gradients that the fused backward rounds and autograd does not: 2^-9 = 2e-3 each, measured 1e-3 to
  // 4e-3.
  compare_with_composite(ConditionerPrecision::bfloat16, {1e-2, 5e-2, 1e-2, 1e-2});
}

TEST(CouplingLayer, SplitBfloat16IsNearFloat32) {
  for (const auto& problem : problems) {
    for (auto direction : directions) {
      RandomStream random(12);
      CouplingLayer layer(problem.layout);
      layer.set_parameters(parameters_of(layer, random));
      const at::Tensor x = filled({problem.layout.dimension, problem.n_samples}, random, 1, true);
      const auto split = layer.map(direction, x, ConditionerPrecision::split_bfloat16);
      const auto exact = layer.map(direction, x, ConditionerPrecision::float32);
      EXPECT_LE(largest(distance(split.x, exact.x)), 1e-4);
      EXPECT_LE(largest(split.log_det - exact.log_det), 5e-3);  // 2^-17 where bfloat16 has 2^-9: 0.8 / 256
    }
  }
}

/// Three layers of one flow with their parameters.
struct Stack {
  std::vector<CouplingLayer> layers;
  explicit Stack(std::uint64_t seed) {
    RandomStream random(seed);
    for (int l = 0; l < 3; ++l) {
      auto layout = layout_of(11, 48, 2, 8);
      if (l == 1) std::swap(layout.conditioning, layout.transformed);
      layers.emplace_back(layout);
      layers.back().set_parameters(parameters_of(layers.back(), random));
    }
  }
};

TEST(MapThrough, IsTheLayersOneAfterTheOther) {
  Stack stack(5);
  RandomStream random(6);
  const std::int64_t n = 1000;
  const at::Tensor points = filled({n, 11}, random, 1, true);
  for (auto precision :
       {ConditionerPrecision::float32, ConditionerPrecision::bfloat16, ConditionerPrecision::split_bfloat16}) {
    for (auto direction : directions) {
      at::Tensor x = points.t().contiguous(), total = at::zeros({n}, at::kDouble);
      for (int l = 0; l < 3; ++l) {
        const auto mapped =
            stack.layers[direction == CouplingDirection::forward ? l : 2 - l].map(direction, x, precision);
        x = mapped.x;
        total += mapped.log_det;
      }
      at::Tensor y = at::empty_like(points), log_det = at::empty({n}, at::kDouble);
      map_through(stack.layers, direction, precision, n, points.const_data_ptr<float>(), y.mutable_data_ptr<float>(),
                  log_det.mutable_data_ptr<double>());
      EXPECT_TRUE(at::equal(y, x.t()));
      EXPECT_TRUE(at::equal(log_det, total));
    }
  }
}

TEST(MapThrough, InverseUndoesForward) {
  Stack stack(8);
  RandomStream random(9);
  const std::int64_t n = 3000;
  const at::Tensor points = filled({n, 11}, random, 1, true);
  // Split halves hold 16 bits: the conditioner's outputs of the two directions differ by that much of their size.
  for (const auto& [precision, limit] :
       {std::pair{ConditionerPrecision::float32, 1e-3}, {ConditionerPrecision::split_bfloat16, 3e-3}}) {
    at::Tensor x = points.clone(), there = at::empty({n}, at::kDouble), back = at::empty({n}, at::kDouble);
    map_through(stack.layers, CouplingDirection::forward, precision, n, x.const_data_ptr<float>(),
                x.mutable_data_ptr<float>(), there.mutable_data_ptr<double>());
    EXPECT_GT(largest(distance(x, points)), 0.05);
    map_through(stack.layers, CouplingDirection::inverse, precision, n, x.const_data_ptr<float>(),
                x.mutable_data_ptr<float>(), back.mutable_data_ptr<double>());
    EXPECT_LE(largest(distance(x, points)), 1e-4);
    EXPECT_LE(largest(there + back), limit);
  }
}

TEST(CouplingLayer, GivesOnlyTheGradientsThatAreWanted) {
  RandomStream random(3);
  CouplingLayer layer(layout_of(9, 40, 2, 8));
  at::Tensor parameters = parameters_of(layer, random), x = filled({9, 100}, random, 1, true);
  layer.set_parameters(parameters);
  const auto gradients = [&](bool of_x, bool of_parameters) {
    at::Tensor points = x.clone().requires_grad_(of_x);
    parameters.requires_grad_(of_parameters);
    parameters.mutable_grad().reset();
    const auto mapped = layer.map(CouplingDirection::inverse, points, ConditionerPrecision::bfloat16);
    torch::autograd::backward({mapped.log_det.sum()}, {});
    return std::pair{points.grad(), parameters.grad().defined() ? parameters.grad().clone() : at::Tensor()};
  };
  const auto both = gradients(true, true), of_x = gradients(true, false), of_parameters = gradients(false, true);
  EXPECT_FALSE(of_x.second.defined());
  EXPECT_FALSE(of_parameters.first.defined());
  EXPECT_TRUE(at::equal(of_x.first, both.first));
  EXPECT_TRUE(at::equal(of_parameters.second, both.second));
}

TEST(CouplingLayer, GradientsAccumulateAndEarlierOnesStayAsTheyWere) {
  RandomStream random(4);
  CouplingLayer layer(layout_of(9, 40, 2, 8));
  at::Tensor parameters = parameters_of(layer, random).requires_grad_(true), x = filled({9, 100}, random, 1, true);
  layer.set_parameters(parameters);
  const auto backward = [&](double factor) {
    const auto mapped = layer.map(CouplingDirection::inverse, x, ConditionerPrecision::float32);
    torch::autograd::backward({factor * mapped.log_det.sum()}, {});
  };
  backward(1);
  const at::Tensor once = parameters.grad().clone(), held = parameters.grad();
  backward(1);
  EXPECT_TRUE(at::allclose(parameters.grad(), 2 * once));
  parameters.mutable_grad().reset();
  backward(3);  // must not write into what `held` still names
  EXPECT_TRUE(at::allclose(held, 2 * once));
  EXPECT_TRUE(at::allclose(parameters.grad(), 3 * once, 1e-4, 1e-5));
}

TEST(CouplingLayer, SeesChangedParameters) {
  RandomStream random(4);
  CouplingLayer layer(layout_of(9, 40, 2, 8));
  at::Tensor parameters = parameters_of(layer, random), x = filled({9, 64}, random, 1, true);
  layer.set_parameters(parameters);
  for (auto precision :
       {ConditionerPrecision::float32, ConditionerPrecision::bfloat16, ConditionerPrecision::split_bfloat16}) {
    SCOPED_TRACE(name_of(precision));
    const auto log_det = [&] { return layer.map(CouplingDirection::inverse, x, precision).log_det; };
    const at::Tensor before = log_det();
    parameters.mul_(1.5);  // torch counts this
    const at::Tensor after = log_det();
    EXPECT_FALSE(at::equal(before, after));
    float* raw = parameters.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < parameters.numel(); ++i) raw[i] /= 1.5f;  // torch does not count this
    layer.parameters_changed();
    EXPECT_TRUE(at::allclose(log_det(), before, 1e-2, 1e-2));
  }
}

TEST(CouplingLayer, RepeatsItselfToTheBit) {
  RandomStream random(21);
  CouplingLayer layer(layout_of(13, 64, 3, 8));
  at::Tensor parameters = parameters_of(layer, random), x = filled({13, 700}, random, 1, true);
  layer.set_parameters(parameters);
  const at::Tensor a = filled({13, 700}, random, 1, false), b = filled({700}, random, 1, false);
  for (auto precision : {ConditionerPrecision::float32, ConditionerPrecision::bfloat16}) {
    const auto run = [&] {
      auto e = differentiate(
          [&](const at::Tensor& x, const at::Tensor&) { return layer.map(CouplingDirection::inverse, x, precision); },
          x, parameters, a, b);
      e.parameter_gradient = e.parameter_gradient.clone();
      return e;
    };
    const auto first = run(), second = run();
    EXPECT_TRUE(at::equal(first.x, second.x));
    EXPECT_TRUE(at::equal(first.log_det, second.log_det));
    EXPECT_TRUE(at::equal(first.x_gradient, second.x_gradient));
    EXPECT_TRUE(at::equal(first.parameter_gradient, second.parameter_gradient));
  }
}

TEST(CouplingLayer, TakesNoSamplesAndNamesWhatIsWrong) {
  CouplingLayer layer(layout_of(9, 40, 2, 8));
  EXPECT_THROW(layer.set_parameters(at::zeros({3}, at::kFloat)), InputError);
  at::Tensor parameters = at::zeros({layer.n_parameters()}, at::kFloat).requires_grad_(true);
  layer.set_parameters(parameters);
  const auto mapped =
      layer.map(CouplingDirection::forward, at::empty({9, 0}, at::kFloat), ConditionerPrecision::bfloat16);
  EXPECT_EQ(mapped.log_det.numel(), 0);
  torch::autograd::backward({mapped.log_det.sum()}, {});
  EXPECT_EQ(largest(parameters.grad()), 0);
  EXPECT_THROW(layer.map(CouplingDirection::forward, at::empty({8, 4}, at::kFloat), ConditionerPrecision::float32),
               InputError);
  EXPECT_THROW(layer.map(CouplingDirection::forward, at::empty({9, 4}, at::kDouble), ConditionerPrecision::float32),
               InputError);
  auto layout = layout_of(9, 40, 2, 8);
  layout.transformed.push_back(0);
  EXPECT_THROW(CouplingLayer{layout}, InputError);
  layout.transformed.back() = 9;
  EXPECT_THROW(CouplingLayer{layout}, InputError);
}

}  // namespace
}  // namespace boltzflow
