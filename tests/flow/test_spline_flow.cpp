// SPDX-License-Identifier: MIT
// The flow as a whole: the fused layers against plain tensor operations, and both against what a density must satisfy.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/composite_coupling.hpp"
#include "boltzflow/flow/coupling_plan.hpp"
#include "boltzflow/flow/reference/rational_quadratic_spline.hpp"
#include "boltzflow/flow/spline_flow.hpp"

namespace boltzflow {
namespace {

constexpr auto float32 = ConditionerPrecision::float32;
constexpr auto bfloat16 = ConditionerPrecision::bfloat16;
constexpr auto split_bfloat16 = ConditionerPrecision::split_bfloat16;

/// The composite's small tensor operations gain nothing from threads and lose much to them on a busy machine.
class OneTensorThread : public testing::Environment {
  void SetUp() override { at::set_num_threads(1); }
};
const auto* const one_tensor_thread = testing::AddGlobalTestEnvironment(new OneTensorThread);

std::vector<FlowDimension> fields(int n_bonds, int n_angles, int n_torsions) {
  std::vector<FlowDimension> dimensions;
  for (int i = 0; i < n_bonds; ++i) dimensions.push_back({false, 0, i});
  for (int i = 0; i < n_angles; ++i) dimensions.push_back({false, 1, i});
  for (int i = 0; i < n_torsions; ++i) dimensions.push_back({true, 2, i});
  return dimensions;
}

SplineFlowOptions small_network(int n_couplings = 4) {
  SplineFlowOptions options;
  options.n_couplings = n_couplings;
  options.hidden_width = 48;
  options.n_hidden_layers = 2;
  return options;
}

at::Tensor normals(std::int64_t n, double scale, std::uint64_t seed) {
  RandomStream random(seed);
  at::Tensor result = at::empty({n}, at::kFloat);
  float* values = result.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(scale * random.normal());
  return result;
}

/// A flow far from the identity: every parameter moved by a normal of standard deviation `scale`.
SplineFlow bent_flow(std::vector<FlowDimension> dimensions, SplineFlowOptions options, double scale = 0.08) {
  SplineFlow flow(std::move(dimensions), std::move(options), 1);
  flow.set_flat_parameters(flow.flat_parameters() + normals(flow.n_parameters(), scale, 2));
  return flow;
}

double rms(const at::Tensor& x) { return x.to(at::kDouble).square().mean().sqrt().item<double>(); }
double absolute_quantile(const at::Tensor& x, double q) {
  return at::quantile(x.detach().to(at::kDouble).abs().flatten(), q).item<double>();
}

/// Distance on the circle for circular dimensions.
at::Tensor distance(const SplineFlow& flow, const at::Tensor& a, const at::Tensor& b) {
  at::Tensor apart = (a - b).abs();
  for (std::int64_t j = 0; j < apart.size(1); ++j) {
    if (flow.dimensions()[static_cast<std::size_t>(j)].circular) {
      auto column = apart.select(1, j);
      column.copy_(at::minimum(column, 1 - column));
    }
  }
  return apart;
}

TEST(SplineFlow, IsTheIdentityAtInitialisation) {
  for (const char* masking : {"random", "hierarchical"}) {
    auto options = small_network(8);
    options.masking = masking;
    const SplineFlow flow(fields(5, 4, 6), options, 3);
    RandomStream random(4);
    const at::Tensor base = flow.base_sample(1000, random);
    const auto mapped = flow.forward(base, float32);
    EXPECT_LE(distance(flow, mapped.x, base).max().item<double>(), 3e-6);  // 8 layers, each rounds knots to 1e-7
    EXPECT_LE(mapped.log_det.abs().max().item<double>(), 1e-4);
    EXPECT_LE((flow.log_prob(base, float32) - flow.base_log_prob(base)).abs().max().item<double>(), 1e-3);
  }
}

TEST(SplineFlow, ForwardAndInverseUndoEachOther) {
  auto flow = bent_flow(fields(21, 20, 19), small_network(6));
  RandomStream random(5);
  const at::Tensor base = flow.base_sample(2000, random);
  for (const bool composite : {false, true}) {
    flow.use_composite(composite);
    for (const auto precision : {float32, split_bfloat16}) {
      const auto z = flow.forward(base, precision);
      const auto back = flow.inverse(z.x, precision);
      EXPECT_GE(rms(z.log_det), 0.5) << "the flow is too near the identity to test anything";
      EXPECT_LE(absolute_quantile(distance(flow, back.x, base), 0.999), precision == float32 ? 2e-5 : 1e-4);
      // Measured 5e-5 and 1.5e-4, at an rms log_det of order 10: 60 splines a layer pair, each good to 1e-6.
      EXPECT_LE(absolute_quantile(z.log_det + back.log_det, 0.5), precision == float32 ? 2e-4 : 6e-4);
    }
  }
}

struct Case {
  const char* name;
  int n_bins;
  std::vector<FlowDimension> dimensions;
};
std::vector<Case> cases() {
  return {{"molecule", 8, fields(21, 20, 19)},
          {"other bins", 5, fields(3, 0, 4)},
          {"circles", 8, fields(0, 0, 5)},
          {"intervals", 12, fields(4, 3, 0)}};
}

TEST(SplineFlow, FusedLayersAgreeWithPlainTensorOperations) {
  for (const auto& [name, n_bins, dimensions] : cases()) {
    auto options = small_network();
    options.n_bins = n_bins;
    auto flow = bent_flow(dimensions, options);
    RandomStream random(6);
    for (const std::int64_t n : {1, 37, 700}) {  // less than a block, not a multiple of one, several
      const at::Tensor x = flow.base_sample(n, random);
      for (const auto precision : {float32, split_bfloat16, bfloat16}) {
        for (const bool inverse : {false, true}) {
          const auto map = [&] { return inverse ? flow.inverse(x, precision) : flow.forward(x, precision); };
          flow.use_composite(true);
          const auto expected = map();
          flow.use_composite(false);
          const auto mapped = map();
          // bfloat16: x apart by 1e-7 may round to another bfloat16 in the next layer; and without AMX the library's
          // product rounds its results to bfloat16 too, which the composite does elsewhere (measured up to 0.23).
          double x_bound = 2e-5, log_det_bound = 2e-3;
          if (precision == bfloat16) {
            x_bound = has_amx_bf16() ? 3e-3 : 2e-2;
            log_det_bound = has_amx_bf16() ? 3e-2 : 0.5;
          }
          EXPECT_LE(absolute_quantile(distance(flow, mapped.x, expected.x), 0.99), x_bound) << name << n;
          EXPECT_LE(absolute_quantile(mapped.log_det - expected.log_det, 0.9), log_det_bound) << name << n;
        }
      }
    }
  }
}

std::vector<at::Tensor> gradients(const SplineFlow& flow, const at::Tensor& z, ConditionerPrecision precision) {
  std::vector<at::Tensor> inputs = flow.parameters();
  inputs.push_back(z);
  // Weights per sample, so that wrong sums over samples show.
  const at::Tensor weight = at::linspace(0.5, 1.5, z.size(0));
  return torch::autograd::grad({(flow.log_prob(z, precision) * weight).sum()}, inputs);
}

TEST(SplineFlow, FusedGradientsAgreeWithPlainTensorOperations) {
  for (const auto& [name, n_bins, dimensions] : cases()) {
    auto options = small_network();
    options.n_bins = n_bins;
    auto flow = bent_flow(dimensions, options, 0.05);
    RandomStream random(7);
    const at::Tensor z = flow.base_sample(600, random).requires_grad_(true);
    for (const auto precision : {float32, bfloat16}) {
      flow.use_composite(true);
      const auto expected = gradients(flow, z, float32);
      flow.use_composite(false);
      const auto fused = gradients(flow, z, precision);
      for (std::size_t k = 0; k < fused.size(); ++k) {
        const at::Tensor error = fused[k] - expected[k];
        // Single elements may differ by O(1) where float32 puts a point on the other side of a knot; bfloat16 gradients
        // carry 1-10 % of noise by construction.
        const double relative = (error.norm() / expected[k].norm()).item<double>();
        EXPECT_LE(relative, precision == float32 ? 2e-2 : 0.2) << name << ", tensor " << k;
        EXPECT_LE(absolute_quantile(error, 0.5) / rms(expected[k]), precision == float32 ? 2e-4 : 5e-2)
            << name << ", tensor " << k;
      }
    }
  }
}

// Gradients of the forward (sampling) direction too: a loss on samples is what reverse-KL methods need.
TEST(SplineFlow, FusedGradientsOfTheForwardDirectionAgree) {
  auto flow = bent_flow(fields(6, 5, 7), small_network(), 0.05);
  RandomStream random(8);
  const at::Tensor base = flow.base_sample(500, random).requires_grad_(true);
  const auto gradients_of = [&] {
    const auto mapped = flow.forward(base, float32);
    std::vector<at::Tensor> inputs = flow.parameters();
    inputs.push_back(base);
    return torch::autograd::grad({(mapped.x.square() * 3).sum() + mapped.log_det.sum()}, inputs);
  };
  flow.use_composite(true);
  const auto expected = gradients_of();
  flow.use_composite(false);
  const auto fused = gradients_of();
  for (std::size_t k = 0; k < fused.size(); ++k) {
    EXPECT_LE(((fused[k] - expected[k]).norm() / expected[k].norm()).item<double>(), 2e-2) << k;
    EXPECT_LE(absolute_quantile(fused[k] - expected[k], 0.5) / rms(expected[k]), 2e-4) << k;
  }
}

TEST(CompositeSpline, AgreesWithTheReferenceInFloat64) {
  RandomStream random(9);
  for (const int n_bins : {2, 8, 19}) {
    const auto k = static_cast<std::size_t>(n_bins);
    for (int trial = 0; trial < 100; ++trial) {
      std::vector<double> parameters(3 * k + 1);
      for (auto& value : parameters) value = 2 * random.normal();
      const std::span<const double> all = parameters;
      const reference::RationalQuadraticSpline reference(all.subspan(0, k), all.subspan(k, k), all.subspan(2 * k), 1e-3,
                                                         1e-3);
      const double x = trial == 0 ? 0.0 : trial == 1 ? 1.0 : random.uniform();
      const at::Tensor t = at::tensor(parameters, at::kDouble).unsqueeze(0);
      for (const bool inverse : {false, true}) {
        const auto spline =
            composite_spline(at::full({1}, x, at::kDouble), t.narrow(1, 0, n_bins), t.narrow(1, n_bins, n_bins),
                             t.narrow(1, 2 * n_bins, n_bins + 1), 1e-3, 1e-3, inverse);
        const auto expected = inverse ? reference.inverse(x) : reference.forward(x);
        EXPECT_NEAR(spline.y.item<double>(), expected.y, 1e-10);
        EXPECT_NEAR(spline.log_derivative.item<double>(), expected.log_derivative, 1e-8);
      }
    }
  }
}

TEST(CompositeCoupling, LogDetIsThatOfTheDenseJacobian) {
  const auto dimensions = fields(2, 2, 3);
  const auto flow = bent_flow(dimensions, small_network(), 0.15);
  std::vector<CompositeCoupling> layers;
  for (auto& layout : coupling_plan(dimensions, flow.options())) layers.emplace_back(layout);
  RandomStream random(10);
  for (const auto direction : {CouplingDirection::forward, CouplingDirection::inverse}) {
    for (int trial = 0; trial < 5; ++trial) {
      at::Tensor x = flow.base_sample(1, random).to(at::kDouble).requires_grad_(true), y = x,
                 log_det = at::zeros({1}, at::kDouble);
      for (std::size_t step = 0; step < layers.size(); ++step) {
        const std::size_t l = direction == CouplingDirection::forward ? step : layers.size() - 1 - step;
        const auto mapped = layers[l].map(direction, flow.parameters()[l].detach().to(at::kDouble), y, float32);
        y = mapped.x, log_det = log_det + mapped.log_det;
      }
      std::vector<at::Tensor> rows;
      for (std::int64_t j = 0; j < 7; ++j)
        rows.push_back(torch::autograd::grad({y.select(1, j).sum()}, {x}, {}, true)[0][0]);
      const auto [sign, log_absolute] = at::linalg_slogdet(at::stack(rows));
      EXPECT_NEAR(log_absolute.item<double>(), log_det.item<double>(), 1e-8);
      EXPECT_GE(std::abs(log_det.item<double>()), 1e-3);
    }
  }
}

TEST(SplineFlow, DensityIsNormalisedInTwoDimensions) {
  auto options = small_network();
  options.hidden_width = 16;
  for (const auto& dimensions : {fields(2, 0, 0), fields(1, 0, 1), fields(0, 0, 2)}) {
    const auto flow = bent_flow(dimensions, options, 0.1);
    const std::int64_t n = 1000;
    const at::Tensor line = (at::arange(n, at::kFloat) + 0.5) / n;
    const at::Tensor z = at::stack({line.repeat_interleave(n), line.repeat({n})}, 1);
    const double total = flow.log_prob_no_grad(z, float32).exp().mean().item<double>();
    EXPECT_NEAR(total, 1, 2e-3);  // midpoint rule on 10^6 cells of a density with kinks
    // And samples follow it: E[z] from samples against quadrature, at 5 standard errors (false alarm 6e-7 each).
    const at::Tensor weight = flow.log_prob_no_grad(z, float32).exp() / static_cast<double>(n * n);
    RandomStream random(11);
    const at::Tensor samples = flow.sample(100'000, random, float32).z.to(at::kDouble);
    for (std::int64_t j = 0; j < 2; ++j) {
      const double expected = (weight * z.select(1, j)).sum().item<double>();
      const at::Tensor column = samples.select(1, j);
      EXPECT_NEAR(column.mean().item<double>(), expected, 5 * column.std().item<double>() / std::sqrt(1e5) + 1e-3);
    }
  }
}

TEST(SplineFlow, LogProbOfASampleIsTheSameByTheOtherDirection) {
  const auto flow = bent_flow(fields(21, 20, 19), small_network(8), 0.04);
  RandomStream random(12);
  for (const auto precision : {float32, split_bfloat16}) {
    const auto sample = flow.sample(3000, random, precision);
    EXPECT_EQ(sample.z.scalar_type(), at::kFloat);
    EXPECT_EQ(sample.log_prob.scalar_type(), at::kDouble);
    EXPECT_GE(sample.z.min().item<float>(), 0.0f);
    EXPECT_LE(sample.z.max().item<float>(), 1.0f);
    const at::Tensor again = flow.log_prob_no_grad(sample.z, precision);
    EXPECT_LE(absolute_quantile(again - sample.log_prob, 0.5), precision == float32 ? 2e-5 : 1e-4);
    EXPECT_LE(absolute_quantile(again - sample.log_prob, 0.99), precision == float32 ? 5e-4 : 3e-3);
    // The differentiable pass gives the same within float32 sums of order 100.
    EXPECT_LE(absolute_quantile(flow.log_prob(sample.z, precision) - again, 0.99), 5e-4);
  }
}

TEST(SplineFlow, SamplingDoesNotDependOnTheNumberOfThreads) {
  auto flow = bent_flow(fields(5, 4, 6), small_network());
  std::vector<SplineFlow::Sample> samples;
  for (const int n_threads : {1, 2, 3}) {
    set_thread_count(n_threads);
    RandomStream random(13);
    samples.push_back(flow.sample(1500, random, float32));
    EXPECT_EQ(random.position(), 2u);  // two words name the set of samples, however many
  }
  flow.use_composite(true);
  RandomStream random(13);
  samples.push_back(flow.sample(1500, random, float32));
  set_thread_count(0);
  for (const auto& sample : samples) {
    // The same random numbers; products may be summed in another order.
    EXPECT_LE(absolute_quantile(distance(flow, sample.z, samples[0].z), 0.999), 2e-5);
    EXPECT_LE(absolute_quantile(sample.log_prob - samples[0].log_prob, 0.9), 1e-4);
  }
  const auto next = flow.sample(1500, random, float32);
  EXPECT_GE(absolute_quantile(next.z - samples[0].z, 0.5), 1e-2) << "a second call must draw other samples";
}

TEST(SplineFlow, HandlesNoSamplesAndOtherTypesAndRefusesOtherShapes) {
  const auto flow = bent_flow(fields(3, 2, 2), small_network());
  RandomStream random(14);
  EXPECT_EQ(flow.sample(0, random, float32).z.sizes(), (at::IntArrayRef{0, 7}));
  EXPECT_EQ(flow.log_prob(at::empty({0, 7}), float32).numel(), 0);
  EXPECT_EQ(flow.log_prob_no_grad(at::empty({0, 7}), float32).numel(), 0);
  const at::Tensor z = flow.base_sample(50, random);
  EXPECT_TRUE(at::equal(flow.log_prob(z, float32), flow.log_prob(z.to(at::kDouble), float32)));
  EXPECT_TRUE(at::equal(flow.log_prob_no_grad(z, float32), flow.log_prob_no_grad(z.t().contiguous().t(), float32)));
  EXPECT_THROW(flow.log_prob(at::zeros({4, 8}), float32), InputError);
  EXPECT_THROW(flow.log_prob_no_grad(at::zeros({7}), float32), InputError);
  EXPECT_THROW(flow.sample(-1, random, float32), InputError);
}

TEST(SplineFlow, ParametersCanBeCopiedOutInAndClonedAndWrittenInPlace) {
  auto flow = bent_flow(fields(3, 2, 2), small_network());
  const at::Tensor flat = flow.flat_parameters();
  EXPECT_EQ(flat.numel(), flow.n_parameters());
  SplineFlow other(fields(3, 2, 2), small_network(), 99);
  RandomStream random(15);
  const at::Tensor z = flow.base_sample(100, random), expected = flow.log_prob_no_grad(z, split_bfloat16);
  EXPECT_FALSE(at::allclose(other.log_prob_no_grad(z, split_bfloat16), expected));
  other.set_flat_parameters(flat);
  EXPECT_TRUE(at::equal(other.flat_parameters(), flat));
  EXPECT_TRUE(at::equal(other.log_prob_no_grad(z, split_bfloat16), expected));

  SplineFlow copy = flow.clone();
  EXPECT_TRUE(at::equal(copy.log_prob_no_grad(z, split_bfloat16), expected));
  flow.set_flat_parameters(at::zeros_like(flat));
  EXPECT_FALSE(at::allclose(flow.log_prob_no_grad(z, split_bfloat16), expected));
  EXPECT_TRUE(at::equal(copy.log_prob_no_grad(z, split_bfloat16), expected));

  // Through a raw pointer, as an optimiser writes.
  for (auto& leaf : flow.parameters()) {
    EXPECT_TRUE(leaf.is_leaf() && leaf.requires_grad());
  }
  std::int64_t offset = 0;
  for (const auto& leaf : flow.parameters()) {
    std::copy_n(flat.const_data_ptr<float>() + offset, leaf.numel(), leaf.mutable_data_ptr<float>());
    offset += leaf.numel();
  }
  flow.parameters_changed();
  EXPECT_TRUE(at::equal(flow.log_prob_no_grad(z, split_bfloat16), expected));
  EXPECT_THROW(flow.set_flat_parameters(flat.narrow(0, 1, flat.numel() - 1)), InputError);
}

TEST(SplineFlow, InitialisationDependsOnTheSeedAlone) {
  const auto flat = [](std::uint64_t seed) {
    return SplineFlow(fields(3, 2, 2), small_network(), seed).flat_parameters();
  };
  EXPECT_TRUE(at::equal(flat(5), flat(5)));
  EXPECT_FALSE(at::equal(flat(5), flat(6)));
}

TEST(SplineFlow, HasThePublishedNumberOfParametersForAlanineDipeptide) {
  EXPECT_EQ(SplineFlow(fields(21, 20, 19), {}, 1).n_parameters(), 7'421'512);
}

TEST(SplineFlow, NamesADeviceThatIsNotThere) {
  auto flow = bent_flow(fields(3, 2, 2), small_network());
  EXPECT_THROW(flow.to_device("gpu"), InputError);
  if (!at::hasCUDA()) {
    EXPECT_THROW(flow.to_device("cuda"), UnavailableError);
  }
  flow.to_device("cpu");
  EXPECT_THROW(parse_conditioner_precision("fp8"), InputError);
  EXPECT_EQ(parse_conditioner_precision("split-bfloat16"), split_bfloat16);
}

}  // namespace
}  // namespace boltzflow
