// SPDX-License-Identifier: MIT
// What every Cartesian flow must satisfy, run over the table of architectures.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/euclidean/coupling_split.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

namespace boltzflow {
namespace {

constexpr auto float32 = ConditionerPrecision::float32;
constexpr auto bfloat16 = ConditionerPrecision::bfloat16;

at::Tensor normals(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  RandomStream random(seed);
  at::Tensor result = at::empty(sizes, at::kDouble);
  double* values = result.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < result.numel(); ++i) values[i] = random.normal();
  return result;
}

double largest(const at::Tensor& x) { return x.detach().to(at::kDouble).abs().max().item<double>(); }
double absolute_quantile(const at::Tensor& x, double q) {
  return at::quantile(x.detach().to(at::kDouble).abs().flatten(), q).item<double>();
}

/// Moves every parameter by a normal number, far from the identity.
void bend(const EuclideanFlow& flow, double scale, std::uint64_t seed = 2) {
  const c10::NoGradGuard no_grad;
  for (at::Tensor& parameter : flow.parameters())
    parameter.add_(scale * normals(parameter.sizes().vec(), seed++).to(parameter.scalar_type()));
}

EuclideanFlowOptions small(const std::string& architecture) {
  EuclideanFlowOptions options;
  options.architecture = architecture;
  options.n_layers = 4;
  options.hidden_width = 24;
  options.n_hidden_layers = 2;
  options.n_heads = 2;
  return options;
}

/// @param amount 1: half a nat or so of log_det. Splines and norms turn the same change of parameters into more.
std::unique_ptr<EuclideanFlow> bent_flow(int dimension, const EuclideanFlowOptions& options, double amount = 1,
                                         bool in_float64 = false) {
  auto flow = make_euclidean_flow(dimension, options, 1);
  bend(*flow, amount * (options.architecture.ends_with("nvp") ? 0.1 : 0.04));
  if (in_float64) flow->to_type(at::kDouble);
  return flow;
}

class EuclideanFlows : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { at::set_num_threads(1); }
  static bool sequential() { return GetParam() == "nsf-autoregressive" || GetParam() == "tarflow"; }
  static bool has_tokens() { return GetParam() == "jet" || GetParam() == "tarflow"; }
};

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const EuclideanFlowEntry& entry : euclidean_flows()) names.push_back(entry.name);
  return names;
}

TEST_P(EuclideanFlows, AreTheIdentityAtInitialisation) {
  auto flow = make_euclidean_flow(9, small(GetParam()), 3);
  const at::Tensor base = normals({500, 9}, 4);
  for (const auto type : {at::kFloat, at::kDouble}) {
    flow->to_type(type);
    const c10::NoGradGuard no_grad;
    for (const bool inverse : {false, true}) {
      const auto mapped = inverse ? flow->inverse(base, float32) : flow->forward(base, float32);
      // Affine maps multiply by 1; splines of equal bins divide by sums of rounded bins, and their unit slope is a
      // float32 bias: 1e-7 a layer at best.
      EXPECT_LE(largest(mapped.x - base.to(type)), 1e-5);
      EXPECT_LE(largest(mapped.log_det), 2e-5);
    }
  }
}

TEST_P(EuclideanFlows, ForwardAndInverseUndoEachOther) {
  for (const bool in_float64 : {false, true}) {
    const auto flow = bent_flow(12, small(GetParam()), 1, in_float64);
    const c10::NoGradGuard no_grad;
    const at::Tensor base = normals({700, 12}, 5).to(in_float64 ? at::kDouble : at::kFloat);
    const auto z = flow->forward(base, float32);
    const auto back = flow->inverse(z.x, float32);
    EXPECT_GE(z.log_det.std().item<double>(), 0.1) << "the flow is too near the identity to test anything";
    // Rounding, amplified by the slopes of four layers; splines in float64 take square roots of differences.
    EXPECT_LE(absolute_quantile(back.x - base, 0.99), in_float64 ? 1e-10 : 1e-4);
    EXPECT_LE(absolute_quantile(z.log_det + back.log_det, 0.99), in_float64 ? 1e-9 : 1e-3);
  }
}

TEST_P(EuclideanFlows, LogDetIsThatOfTheDenseJacobian) {
  const int d = 6;
  const auto flow = bent_flow(d, small(GetParam()), 1, true);
  const at::Tensor points = normals({5, d}, 6);
  for (const bool inverse : {false, true}) {
    for (std::int64_t i = 0; i < points.size(0); ++i) {
      const at::Tensor x = points.narrow(0, i, 1).clone().requires_grad_(true);
      const auto mapped = inverse ? flow->inverse(x, float32) : flow->forward(x, float32);
      std::vector<at::Tensor> rows;
      for (int j = 0; j < d; ++j)
        rows.push_back(torch::autograd::grad({mapped.x.select(1, j).sum()}, {x}, {}, true)[0].reshape(-1));
      const double expected = std::get<1>(at::linalg_slogdet(at::stack(rows))).item<double>();
      EXPECT_NEAR(mapped.log_det.item<double>(), expected, 1e-9) << (inverse ? "inverse" : "forward");
    }
  }
}

TEST_P(EuclideanFlows, DensityIntegratesToOne) {
  EuclideanFlowOptions options = small(GetParam());
  options.hidden_width = 8;
  options.n_layers = 2;
  options.token_size = 1;
  const auto flow = bent_flow(2, options, 2);
  const std::int64_t n = has_tokens() ? 241 : 501;  // affine flows are smooth, splines less so
  const double half_width = 16, step = 2 * half_width / static_cast<double>(n - 1);
  const at::Tensor axis = at::linspace(-half_width, half_width, n, at::kFloat);
  const auto grid = at::meshgrid({axis, axis}, "ij");
  const at::Tensor z = at::stack({grid[0].flatten(), grid[1].flatten()}, 1);
  const double integral = flow->log_prob_no_grad(z, float32).exp().sum().item<double>() * step * step;
  EXPECT_NEAR(integral, 1, 2e-3);  // the trapezoidal rule's error on a density with kinks in its second derivative
  const double moved = (flow->log_prob_no_grad(z, float32) - flow->base_log_prob(z)).abs().mean().item<double>();
  EXPECT_GE(moved, 0.1) << "the flow is too near the identity to test anything";
}

TEST_P(EuclideanFlows, GradientsAreThoseOfFiniteDifferences) {
  const int d = 6;
  const auto flow = bent_flow(d, small(GetParam()), 1, true);
  const at::Tensor z = normals({8, d}, 7), weights = normals({8, d}, 8);
  const auto losses = [&] {
    return std::vector<at::Tensor>{flow->log_prob(z, float32).mean(), (flow->forward(z, float32).x * weights).sum(),
                                   flow->forward(z, float32).log_det.square().mean()};
  };
  std::vector<at::Tensor> parameters = flow->parameters(), direction;
  std::uint64_t seed = 100;
  for (const at::Tensor& parameter : parameters) direction.push_back(normals(parameter.sizes().vec(), seed++));
  const double step = 1e-6;
  const auto moved = [&](double by) {
    const c10::NoGradGuard no_grad;
    for (std::size_t k = 0; k < parameters.size(); ++k) parameters[k].add_(direction[k], by);
    const auto values = losses();
    for (std::size_t k = 0; k < parameters.size(); ++k) parameters[k].add_(direction[k], -by);
    return values;
  };
  const auto up = moved(step), down = moved(-step);
  for (std::size_t l = 0; l < up.size(); ++l) {
    const auto gradients = torch::autograd::grad({losses()[l]}, parameters, {}, false, false, true);
    double along = 0;
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      ASSERT_TRUE(gradients[k].defined()) << "parameter " << k << " has no part in loss " << l;
      along += (gradients[k] * direction[k]).sum().item<double>();
    }
    const double expected = (up[l] - down[l]).item<double>() / (2 * step);
    // Central differences: rounding 1e-16 / step times the size of a sum of 48 terms of order one.
    EXPECT_NEAR(along, expected, 1e-6 * (1 + std::abs(expected))) << "loss " << l;
  }
}

TEST_P(EuclideanFlows, StayFiniteFarOutside) {
  const auto flow = bent_flow(12, small(GetParam()), 5);
  const c10::NoGradGuard no_grad;
  for (const double scale : {1.0, 30.0, 1e3, 1e6}) {
    const at::Tensor x = (scale * normals({200, 12}, 9)).to(at::kFloat);
    for (const bool inverse : {false, true}) {
      const auto mapped = inverse ? flow->inverse(x, float32) : flow->forward(x, float32);
      EXPECT_TRUE(at::isfinite(mapped.x).all().item<bool>()) << scale;
      EXPECT_TRUE(at::isfinite(mapped.log_det).all().item<bool>()) << scale;
    }
  }
  const at::Tensor x = at::full({1, 12}, std::nan("")).to(at::kFloat);
  EXPECT_TRUE(flow->log_prob(x, float32).isnan().all().item<bool>()) << "a NaN must not get a likelihood";
}

TEST_P(EuclideanFlows, InFloat32AgreeWithFloat64) {
  const auto flow = bent_flow(12, small(GetParam()));
  const at::Tensor x = normals({500, 12}, 10).to(at::kFloat);
  const at::Tensor weights = normals({500, 12}, 11);
  std::vector<at::Tensor> values[2];
  for (const int pass : {0, 1}) {
    if (pass == 1) flow->to_type(at::kDouble);
    for (const bool inverse : {false, true}) {
      const auto mapped = inverse ? flow->inverse(x, float32) : flow->forward(x, float32);
      const at::Tensor loss = (mapped.x * weights).sum() + (mapped.log_det * weights.select(1, 0)).sum();
      values[pass].insert(values[pass].end(), {mapped.x, mapped.log_det});
      const auto gradients = torch::autograd::grad({loss}, flow->parameters());
      std::vector<at::Tensor> flat;
      for (const at::Tensor& gradient : gradients) flat.push_back(gradient.reshape(-1).to(at::kDouble));
      const at::Tensor joined = at::cat(flat);
      values[pass].push_back(joined);
    }
  }
  for (const std::size_t first : {0u, 3u}) {
    EXPECT_LE(absolute_quantile(values[0][first] - values[1][first], 0.99), 5e-5);
    EXPECT_LE(absolute_quantile(values[0][first + 1] - values[1][first + 1], 0.99), 5e-4);
    const double size = values[1][first + 2].norm().item<double>();
    EXPECT_LE((values[0][first + 2] - values[1][first + 2]).norm().item<double>(), 2e-3 * size);
  }
}

TEST_P(EuclideanFlows, InBfloat16AreBijectionsNearTheFloat32One) {
  const auto flow = bent_flow(12, small(GetParam()));
  const c10::NoGradGuard no_grad;
  const at::Tensor base = normals({500, 12}, 12).to(at::kFloat);
  const auto exact = flow->forward(base, float32), z = flow->forward(base, bfloat16);
  EXPECT_LE(absolute_quantile(z.x - exact.x, 0.9), 0.05);  // 8 bits of mantissa through four networks
  EXPECT_GT(largest(z.x - exact.x), 0) << "nothing was rounded";
  const auto back = flow->inverse(z.x, bfloat16);
  // A coupling's network sees the same numbers both ways, but for a rounding of the point by 1e-7 that may cross a
  // rounding boundary of bfloat16; a sequential pass adds its products in another order as well.
  EXPECT_LE(absolute_quantile(back.x - base, 0.5), sequential() ? 5e-3 : 1e-3);
  EXPECT_LE(absolute_quantile(z.log_det + back.log_det, 0.5), sequential() ? 3e-2 : 5e-3);
}

TEST_P(EuclideanFlows, InBfloat16HaveTheGradientsOfFloat32WithinItsRounding) {
  const auto flow = bent_flow(12, small(GetParam()));
  const at::Tensor base = normals({300, 12}, 14).to(at::kFloat).requires_grad_(true);
  std::vector<at::Tensor> inputs = flow->parameters();
  inputs.push_back(base);
  const auto gradients = [&](ConditionerPrecision precision) {
    const auto z = flow->forward(base, precision);
    at::Tensor loss = z.x.square().mean();
    // A spline's second derivative jumps at its knots, which rounding moves points across.
    if (!GetParam().starts_with("nsf")) loss = loss + z.log_det.mean();
    return torch::autograd::grad({loss}, inputs);
  };
  const auto exact = gradients(float32), narrow = gradients(bfloat16);
  double error = 0, size = 0;  // of all parameters together: a bias's gradient alone may be near nothing
  for (std::size_t k = 0; k + 1 < inputs.size(); ++k) {
    ASSERT_EQ(narrow[k].scalar_type(), at::kFloat);
    error += (narrow[k] - exact[k]).square().sum().item<double>();
    size += exact[k].square().sum().item<double>();
  }
  EXPECT_LE(std::sqrt(error), 0.1 * std::sqrt(size));
  EXPECT_LE((narrow.back() - exact.back()).norm().item<double>(), 0.1 * exact.back().norm().item<double>());
  EXPECT_GT(error, 0) << "nothing was rounded";
}

TEST_P(EuclideanFlows, SamplesAreReproducibleAndCarryTheirLikelihood) {
  const auto flow = bent_flow(12, small(GetParam()));
  const std::int64_t n = 2100;  // more than one batch, and not a whole number of them
  RandomStream first(13), second(13);
  const auto sample = flow->sample(n, first, float32);
  set_thread_count(1);
  const auto again = flow->sample(n, second, float32);
  set_thread_count(0);
  EXPECT_LE(largest(sample.z - again.z), 1e-5);
  EXPECT_EQ(first.position(), second.position());
  EXPECT_EQ(sample.z.scalar_type(), at::kFloat);
  EXPECT_EQ(sample.log_prob.scalar_type(), at::kDouble);
  EXPECT_LE(absolute_quantile(sample.log_prob - flow->log_prob_no_grad(sample.z, float32), 0.99), 2e-3);
  // E_q[log q - log base] = KL >= 0; bent flows are far from their base. Wrong signs make it negative.
  EXPECT_GT((sample.log_prob - flow->base_log_prob(sample.z.to(at::kDouble))).mean().item<double>(), 0);
}

TEST_P(EuclideanFlows, CopiesAreEqualAndIndependent) {
  for (const bool in_float64 : {false, true}) {
    const auto flow = bent_flow(9, small(GetParam()), 1, in_float64);
    const at::Tensor x = normals({50, 9}, 14);
    const auto copy = flow->copy();
    const at::Tensor before = flow->log_prob(x, float32);
    EXPECT_TRUE(at::equal(copy->log_prob(x, float32), before));
    const at::Tensor flat = flow->flat_parameters();
    flow->set_flat_parameters(flat * 1.1);
    EXPECT_TRUE(at::equal(copy->log_prob(x, float32), before));
    EXPECT_FALSE(at::equal(flow->log_prob(x, float32), before));
    flow->set_flat_parameters(flat);
    EXPECT_LE(largest(flow->log_prob(x, float32) - before), in_float64 ? 1e-5 : 0.0);  // flat is float32
    EXPECT_EQ(flow->n_parameters(), flat.numel());
  }
}

TEST_P(EuclideanFlows, SeedsDecideTheWeightsAndMasksAlone) {
  const EuclideanFlowOptions options = small(GetParam());
  const auto flow = make_euclidean_flow(9, options, 1), same = make_euclidean_flow(9, options, 1),
             other = make_euclidean_flow(9, options, 2);
  EXPECT_TRUE(at::equal(flow->flat_parameters(), same->flat_parameters()));
  EXPECT_FALSE(at::equal(flow->flat_parameters(), other->flat_parameters()));
}

TEST_P(EuclideanFlows, RefuseWhatTheyCannotMap) {
  const auto flow = make_euclidean_flow(9, small(GetParam()), 1);
  EXPECT_THROW(flow->forward(at::zeros({4, 8}), float32), InputError);
  EXPECT_THROW(flow->log_prob_no_grad(at::zeros({9}), float32), InputError);
  EXPECT_EQ(flow->forward(at::zeros({0, 9}), float32).log_det.numel(), 0);
  EXPECT_THROW(flow->to_type(at::kHalf), InputError);
  EXPECT_THROW(flow->to_device("abacus"), InputError);
  if (has_tokens()) {
    EXPECT_THROW(make_euclidean_flow(8, small(GetParam()), 1), ConfigurationError);
  }
}

// The pass that computes every hidden unit once (or keeps keys and values) against whole passes, which gradients need.
TEST_P(EuclideanFlows, InvertWithoutGradientsAsWithThem) {
  for (const std::int64_t token_size : {1, 3}) {
    EuclideanFlowOptions options = small(GetParam());
    options.token_size = token_size;
    options.hidden_width = 6;  // fewer units than coordinates: not every degree of a masked network has one
    const auto flow = bent_flow(12, options, 2, true);
    const at::Tensor z = normals({40, 12}, 15);
    const auto with = flow->inverse(z, float32);
    const c10::NoGradGuard no_grad;
    const auto without = flow->inverse(z, float32);
    EXPECT_LE(largest(with.x - without.x), 1e-9);
    EXPECT_LE(largest(with.log_det - without.log_det), 1e-9);
  }
}

TEST_P(EuclideanFlows, TurnRoundWithTheFastDirection) {
  EuclideanFlowOptions options = small(GetParam());
  options.n_layers = 1;  // one layer turned round is its inverse; a chain of them is not, they keep their places
  const auto sampler = bent_flow(12, options);
  options.fast_direction = "inverse";
  const auto evaluator = bent_flow(12, options);
  const at::Tensor x = normals({60, 12}, 16).to(at::kFloat);
  const auto one = sampler->forward(x, float32);
  // Couplings take one pass both ways and are not turned.
  const auto other = sequential() ? evaluator->inverse(x, float32) : evaluator->forward(x, float32);
  EXPECT_TRUE(at::equal(one.x, other.x));
  EXPECT_TRUE(at::equal(one.log_det, other.log_det));
}

TEST_P(EuclideanFlows, StayBijectionsUnderEverySetting) {
  std::vector<EuclideanFlowOptions> variations(4, small(GetParam()));
  variations[0].masking = "random";
  variations[1].spline_affine = false;
  variations[1].n_bins = 5;
  variations[2].fast_direction = "inverse";
  variations[2].maximum_log_scale = 0.7;
  variations[3].n_layers = 3;
  variations[3].n_hidden_layers = 1;
  variations[3].tail_bound = 2;
  for (const EuclideanFlowOptions& options : variations) {
    const auto flow = bent_flow(12, options, 1, true);
    const c10::NoGradGuard no_grad;
    const at::Tensor base = normals({100, 12}, 17);
    const auto z = flow->forward(base, float32), back = flow->inverse(z.x, float32);
    EXPECT_LE(absolute_quantile(back.x - base, 0.99), 1e-9);
    EXPECT_LE(absolute_quantile(z.log_det + back.log_det, 0.99), 1e-8);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, EuclideanFlows, testing::ValuesIn(architectures()), [](const auto& info) {
  std::string name = info.param;
  std::erase(name, '-');
  return name;
});

TEST(EuclideanFlowOptions, AreCheckedAndNameWhatIsWrong) {
  EuclideanFlowOptions options;
  options.architecture = "real-nvq";
  EXPECT_THROW(make_euclidean_flow(6, options, 1), ConfigurationError);
  options = {};
  options.n_bins = 1;
  options.fast_direction = "sideways";
  try {
    make_euclidean_flow(6, options, 1);
    FAIL() << "wrong settings were taken";
  } catch (const ConfigurationError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("flow.euclidean.n_bins: 1 is not in [2, 64]"));
    EXPECT_THAT(error.what(), testing::HasSubstr("flow.euclidean.fast_direction: \"sideways\""));
  }
  EXPECT_THROW(make_euclidean_flow(1, {}, 1), InputError);
  OptionTable table;
  options.describe(table, "student.");
  for (const Option& option : table.options()) EXPECT_TRUE(option.key.starts_with("student.")) << option.key;
}

// Every pair of couplings changes every coordinate once, whatever the dimension.
TEST(CouplingSplits, CoverAllCoordinatesInPairs) {
  for (const char* masking : {"alternating", "random"}) {
    for (const int d : {2, 3, 4, 7, 66}) {
      const auto splits = coupling_splits(d, 12, masking, 5);
      ASSERT_EQ(splits.size(), 12u);
      for (std::size_t k = 0; k < splits.size(); k += 2) {
        EXPECT_EQ(splits[k].transformed, splits[k + 1].conditioning);
        EXPECT_EQ(splits[k].conditioning, splits[k + 1].transformed);
        EXPECT_FALSE(splits[k].transformed.empty() || splits[k].conditioning.empty());
        EXPECT_EQ(static_cast<int>(splits[k].transformed.size() + splits[k].conditioning.size()), d);
      }
    }
  }
  EXPECT_EQ(coupling_splits(66, 4, "alternating", 5)[2].transformed.size(), 22u);  // x of every atom
  EXPECT_THROW(coupling_splits(6, 2, "striped", 5), InputError);
}

}  // namespace
}  // namespace boltzflow
