// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>

#include "boltzflow/base/errors.hpp"
#include "flow/continuous_fields.hpp"
#include "flow/egnn_reference.hpp"

namespace boltzflow {
namespace {

constexpr auto exact = ConditionerPrecision::float32;

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

struct Kind {
  const char* name;
  bool equivariant;
};
constexpr Kind kinds[] = {{"two-layer", false}, {"egnn", true}, {"dit", false}};

/// The Jacobian of v at x by central differences in float64, [n, d, d].
at::Tensor dense_jacobian(const VelocityField& field, const at::Tensor& x, const at::Tensor& t, double step) {
  const c10::AutoGradMode no_gradients(false);
  std::vector<at::Tensor> columns;
  for (int j = 0; j < field.dimension(); ++j) {
    at::Tensor up = x.clone(), down = x.clone();
    up.select(1, j).add_(step);
    down.select(1, j).sub_(step);
    columns.push_back((field.velocity(up, t, exact) - field.velocity(down, t, exact)) / (2 * step));
  }
  return at::stack(columns, 2);
}

class ContinuousVelocity : public testing::TestWithParam<Kind> {};

TEST_P(ContinuousVelocity, GradientsAreThoseOfFiniteDifferences) {
  auto field = bent_field(GetParam().name, at::kDouble);
  const at::Tensor x = random_normal({3, field->dimension()}, 1), t = at::tensor({0.1, 0.5, 0.95}, at::kDouble);
  const at::Tensor weight = random_normal({3, field->dimension()}, 2);
  const auto scalar = [&] { return (field->velocity(x, t, exact) * weight).sum(); };
  const auto gradients = torch::autograd::grad({scalar()}, field->parameters(), {}, false, false, true);
  const c10::AutoGradMode no_gradients(false);
  RandomStream random(3);
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    ASSERT_TRUE(gradients[k].defined()) << "parameter " << k << " has no part in v";
    at::Tensor flat = field->parameters()[k].view({-1});
    const auto i = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(flat.numel())));
    const double value = flat[i].item<double>(), step = 1e-5;
    flat[i] = value + step;
    const double up = scalar().item<double>();
    flat[i] = value - step;
    const double down = scalar().item<double>();
    flat[i] = value;
    const double gradient = gradients[k].view({-1})[i].item<double>();
    // Central differences: rounding 1e-16 |scalar| / step and step^2 times the third derivative, both below 1e-8.
    EXPECT_NEAR(gradient, (up - down) / (2 * step), 1e-7 * (1 + std::abs(gradient))) << "parameter " << k;
  }
}

TEST_P(ContinuousVelocity, ExactDivergenceIsTheTraceOfTheDenseJacobian) {
  auto field = bent_field(GetParam().name, at::kDouble);
  const at::Tensor x = random_normal({5, field->dimension()}, 4), t = at::tensor({0.3}, at::kDouble);
  const at::Tensor trace = dense_jacobian(*field, x, t, 1e-5).diagonal(0, 1, 2).sum(1);
  const auto result = field->with_exact_divergence(x, t);
  EXPECT_GT(largest(trace), 0.1);                       // the test is of something
  EXPECT_LE(largest(result.divergence - trace), 1e-7);  // d differences with errors of 1e-9
  EXPECT_LE(largest(result.velocity - field->velocity(x, t, exact)), 1e-13);
  const auto by_products = field->VelocityField::with_exact_divergence(x, t);
  EXPECT_LE(largest(result.divergence - by_products.divergence), 1e-11);  // the closed form, where there is one
}

// The variance of one probe is 2 sum_{i != j} S_ij^2, so the mean of m has a known standard error; 5 of them are a
// false alarm of 6e-7 a sample. The variance itself is estimated from m = 2000 to 3 % (kurtosis 3): 20 % are 6 sigma.
TEST_P(ContinuousVelocity, HutchinsonEstimatesAreUnbiasedWithTheStatedVariance) {
  auto field = bent_field(GetParam().name, at::kDouble);
  const std::int64_t n_probes = 2000;
  const at::Tensor x = random_normal({2, field->dimension()}, 5), t = at::tensor({0.6}, at::kDouble);
  const at::Tensor probes = random_normal({n_probes, 2, field->dimension()}, 6).sign();
  const auto estimate = field->with_estimated_divergence(x, t, probes);
  const at::Tensor jacobian = dense_jacobian(*field, x, t, 1e-5);
  const at::Tensor symmetric = (jacobian + jacobian.transpose(1, 2)) / 2;
  const at::Tensor diagonal = symmetric.diagonal(0, 1, 2);
  for (std::int64_t i = 0; i < 2; ++i) {
    const double variance = 2 * (symmetric[i].square().sum() - diagonal[i].square().sum()).item<double>();
    const double error = std::sqrt(variance / static_cast<double>(n_probes));
    EXPECT_NEAR(estimate.divergence[i].mean().item<double>(), diagonal[i].sum().item<double>(), 5 * error);
    EXPECT_NEAR(estimate.divergence[i].var().item<double>() / variance, 1, 0.2);
  }
}

TEST_P(ContinuousVelocity, ANewFieldIsZeroAndItsFirstGradientIsNot) {
  auto field = new_field(GetParam().name);
  const at::Tensor x = random_normal({4, field->dimension()}, 7).to(at::kFloat), t = at::full({4}, 0.5);
  EXPECT_EQ(largest(field->velocity(x, t, exact)), 0);
  const at::Tensor loss = (field->velocity(x, t, exact) - x).square().mean();
  double norm = 0;
  for (const auto& g : torch::autograd::grad({loss}, field->parameters(), {}, false, false, true)) {
    if (g.defined()) norm += g.square().sum().item<double>();
  }
  EXPECT_GT(norm, 1e-6);
}

TEST_P(ContinuousVelocity, OneTimeForAllEqualsATimeForEach) {
  auto field = bent_field(GetParam().name, at::kDouble);
  const at::Tensor x = random_normal({6, field->dimension()}, 8);
  const at::Tensor each = field->velocity(x, at::full({6}, 0.7, at::kDouble), exact);
  EXPECT_LE(largest(each - field->velocity(x, at::full({1}, 0.7, at::kDouble), exact)), 1e-13);
  EXPECT_GT(largest(each - field->velocity(x, at::full({1}, 0.2, at::kDouble), exact)), 1e-3);
  EXPECT_THROW(field->velocity(x, at::full({5}, 0.7), exact), InputError);
  EXPECT_THROW(field->velocity(x.narrow(1, 1, 3), at::full({1}, 0.7), exact), InputError);
}

// bfloat16 keeps 8 bits: products of a few layers agree to a few per cent of v's size.
TEST_P(ContinuousVelocity, BfloatProductsStayNearThoseOfFloat32) {
  auto field = bent_field(GetParam().name, at::kFloat);
  const at::Tensor x = random_normal({16, field->dimension()}, 9).to(at::kFloat), t = at::full({1}, 0.4);
  const at::Tensor narrow = field->velocity(x, t, exact);
  const double difference = (field->velocity(x, t, ConditionerPrecision::bfloat16) - narrow).norm().item<double>();
  EXPECT_GT(difference, 0);
  EXPECT_LE(difference, 0.05 * narrow.norm().item<double>());
}

TEST_P(ContinuousVelocity, ACopyHasTheSameValuesAndIsIndependent) {
  auto field = bent_field(GetParam().name, at::kFloat);
  const auto copy = field->copy();
  const at::Tensor x = random_normal({3, field->dimension()}, 10).to(at::kFloat), t = at::full({1}, 0.4);
  const at::Tensor before = field->velocity(x, t, exact).detach();
  EXPECT_EQ(largest(copy->velocity(x, t, exact) - before), 0);
  {
    const c10::AutoGradMode no_gradients(false);
    for (const at::Tensor& parameter : field->parameters()) at::Tensor(parameter).mul_(1.5);
  }
  EXPECT_EQ(largest(copy->velocity(x, t, exact) - before), 0);
  EXPECT_GT(largest(field->velocity(x, t, exact) - before), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(Networks, ContinuousVelocity, testing::ValuesIn(kinds), [](const auto& info) {
  return std::string(info.param.name) == "two-layer" ? "two_layer" : std::string(info.param.name);
});

TEST(ContinuousEgnn, IsTheReferenceWrittenOutInLoops) {
  const auto field = bent_field("egnn", at::kDouble);  // types 7, 3, 3, 9; two layers
  EgnnReference reference(field->parameters(), {1, 0, 0, 2}, 2);
  const at::Tensor x = random_normal({2, 12}, 16), t = at::tensor({0.15, 0.8}, at::kDouble);
  const at::Tensor v = field->velocity(x, t, exact);
  for (std::int64_t i = 0; i < 2; ++i) {
    const double* start = x.const_data_ptr<double>() + 12 * i;
    const std::vector<double> expected = reference.velocity({start, start + 12}, t[i].item<double>());
    // Rounding of some 1e4 operations, and 1e-12 under the root of squared distances.
    EXPECT_LE(largest(v[i] - at::tensor(expected, at::kDouble)), 1e-10);
  }
}

TEST(ContinuousEgnn, IsEquivariantUnderRotationReflectionTranslationAndPermutation) {
  auto field = bent_field("egnn", at::kDouble);
  const at::Tensor x = random_normal({4, 12}, 11), t = at::tensor({0.2, 0.4, 0.6, 0.8}, at::kDouble);
  const at::Tensor v = field->velocity(x, t, exact);
  // A product of two reflections is a rotation; one alone is an improper one: both must commute with the field.
  const auto reflection = [](const at::Tensor& axis) {
    return at::eye(3, at::kDouble) - 2 * at::outer(axis, axis) / axis.square().sum();
  };
  const at::Tensor mirror = reflection(random_normal({3}, 12));
  for (const at::Tensor& turn : {mirror, at::mm(mirror, reflection(random_normal({3}, 13)))}) {
    const auto turned = [&](const at::Tensor& y) { return at::matmul(y.view({4, 4, 3}), turn).reshape({4, 12}); };
    EXPECT_LE(largest(field->velocity(turned(x), t, exact) - turned(v)), 1e-11);
  }
  const at::Tensor shifted = (x.view({4, 4, 3}) + random_normal({3}, 14)).reshape({4, 12});
  EXPECT_LE(largest(field->velocity(shifted, t, exact) - v), 1e-11);
  EXPECT_LE(largest(v.view({4, 4, 3}).mean(1)), 1e-14);
  // Atoms 1 and 2 are of one type, 0 and 1 are not.
  const auto permuted = [](const at::Tensor& y, std::vector<std::int64_t> order) {
    return y.view({4, 4, 3}).index_select(1, at::tensor(order)).reshape({4, 12});
  };
  EXPECT_LE(largest(field->velocity(permuted(x, {0, 2, 1, 3}), t, exact) - permuted(v, {0, 2, 1, 3})), 1e-11);
  EXPECT_GT(largest(field->velocity(permuted(x, {1, 0, 2, 3}), t, exact) - permuted(v, {1, 0, 2, 3})), 1e-3);
}

// A field on shape coordinates is the field on all coordinates seen through the basis, and has the same divergence: the
// egnn does not see the centre and does not move it.
TEST(ContinuousEgnn, WorksThroughAnOrthonormalBasis) {
  const at::Tensor basis = helmert_basis(4);
  auto whole = bent_field("egnn", at::kDouble), shape = bent_field("egnn", at::kDouble, basis);
  const at::Tensor z = random_normal({5, 9}, 15), x = at::mm(z, basis.t()), t = at::tensor({0.5}, at::kDouble);
  const auto of_whole = whole->with_exact_divergence(x, t), of_shape = shape->with_exact_divergence(z, t);
  // The field keeps its basis in float32 until to_type, hence 1e-6.
  EXPECT_LE(largest(at::mm(of_shape.velocity, basis.t()) - of_whole.velocity), 1e-5);
  EXPECT_LE(largest(of_shape.divergence - of_whole.divergence), 1e-5);
  EXPECT_THROW(AtomBasis(9, 4, basis * 1.01), InputError);
  EXPECT_THROW(AtomBasis(8, 4, basis), InputError);
  EXPECT_THROW(AtomBasis(11, 4, {}), InputError);
}

TEST(ContinuousOptions, ErrorsNameTheKey) {
  ContinuousFlowOptions options;
  options.velocity = "dit";
  options.n_heads = 5;
  try {
    make_continuous_flow(12, {1, 1, 1, 1}, options, 1);
    FAIL();
  } catch (const ConfigurationError& error) {
    EXPECT_NE(
        std::string(error.what()).find("flow.continuous.n_heads: 5 does not divide flow.continuous.hidden_width, 64"),
        std::string::npos);
  }
  options.velocity = "mlp";
  EXPECT_THROW(make_continuous_flow(12, {1, 1, 1, 1}, options, 1), ConfigurationError);
  options.velocity = "egnn";
  EXPECT_THROW(make_continuous_flow(13, {1, 1, 1, 1}, options, 1), InputError);
  EXPECT_THROW(make_continuous_flow(0, {}, options, 1), InputError);
  OptionTable table;
  options.describe(table);
  EXPECT_EQ(table.options().size(), 10u);
}

}  // namespace
}  // namespace boltzflow
