// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/continuous/dormand_prince.hpp"
#include "boltzflow/flow/continuous/flow_matching.hpp"
#include "flow/continuous_fields.hpp"

namespace boltzflow {
namespace {

constexpr auto exact = ConditionerPrecision::float32;

double largest(const at::Tensor& x) { return x.abs().max().item<double>(); }

/// v = A x, with A not normal: rotation, shear and growth.
class LinearVelocity final : public VelocityField {
 public:
  LinearVelocity() : VelocityField(2) { add_parameter(at::tensor({0.7, -3.0, 1.0, -0.4}, at::kDouble).view({2, 2})); }
  at::Tensor velocity(const at::Tensor& x, const at::Tensor&, ConditionerPrecision) const override {
    return at::mm(x, parameters()[0].t());
  }
  std::unique_ptr<VelocityField> copy() const override { return std::make_unique<LinearVelocity>(*this); }
  std::int64_t cpu_batch() const noexcept override { return 4; }
};

ContinuousFlow linear_flow(double tolerance) {
  ContinuousFlowOptions options;
  options.absolute_tolerance = options.relative_tolerance = tolerance;
  return {std::make_unique<LinearVelocity>(), options};
}

TEST(ContinuousSolver, SolvesALinearEquationToItsToleranceWithTheTraceAsLogDet) {
  const at::Tensor x = random_normal({11, 2}, 1);
  const auto flow_matrix = at::linalg_matrix_exp(linear_flow(1).parameters()[0].detach());
  double previous_error = 1;
  for (const double tolerance : {1e-3, 1e-5, 1e-7, 1e-9}) {
    const ContinuousFlow flow = linear_flow(tolerance);
    const auto mapped = flow.forward(x, exact);
    const double error = largest(mapped.x - at::mm(x, flow_matrix.t()));
    EXPECT_LE(error, 10 * tolerance);  // some ten steps, each within its tolerance
    EXPECT_LT(error, previous_error);
    previous_error = error;
    EXPECT_LE(largest(mapped.log_det - 0.3), 1e-13);  // a constant is integrated exactly
    EXPECT_LE(largest(flow.inverse(mapped.x, exact).log_det + 0.3), 1e-13);
    EXPECT_LE(largest(flow.transport(x) - mapped.x), 1e-14 + 10 * tolerance);
  }
}

// Fifth order: halving the steps, which happens as the tolerance falls by 2^5, takes 2^5 off the error. Over three
// decades of tolerance the number of steps must then grow by 10^(3/5) = 4.0.
TEST(ContinuousSolver, StepsGrowAsTheFifthRootOfTheTolerance) {
  const auto steps = [](double tolerance) {
    const auto f = [](const OdeState& y, double) {
      return OdeState{{at::stack({y.components[0].select(1, 1), -y.components[0].select(1, 0)}, 1)}};
    };
    const OdeState start{{at::tensor({1.0, 0.0}, at::kDouble).view({1, 2})}};
    const auto solution = integrate_dormand_prince(f, start, 0, 40, {tolerance, tolerance, 100'000});
    EXPECT_EQ(solution.n_evaluations, 1 + 6 * (solution.n_steps + solution.n_rejected));  // first same as last
    EXPECT_NEAR(solution.state.components[0][0][0].item<double>(), std::cos(40.0), 100 * tolerance);
    return static_cast<double>(solution.n_steps);
  };
  EXPECT_NEAR(steps(1e-9) / steps(1e-6), std::pow(10, 0.6), 0.4);
  EXPECT_NEAR(steps(1e-12) / steps(1e-9), std::pow(10, 0.6), 0.4);
}

TEST(ContinuousSolver, AnEquationThatCannotBeSolvedIsAnErrorThatNamesTheSettings) {
  const OdeState start{{at::ones({1, 1}, at::kDouble)}};
  const auto message = [&](auto f) -> std::string {
    try {
      integrate_dormand_prince(f, start, 0, 2, {1e-6, 1e-6, 300});
    } catch (const ConfigurationError& error) {
      return error.what();
    }
    return "";
  };
  const auto blows_up = [](const OdeState& y, double) { return OdeState{{y.components[0].square()}}; };  // at t = 1
  EXPECT_NE(message(blows_up).find("flow.continuous.maximum_steps"), std::string::npos);
  const auto not_a_number = [](const OdeState& y, double t) {
    return OdeState{{t < 0.5 ? y.components[0] : y.components[0] * std::numeric_limits<double>::quiet_NaN()}};
  };
  EXPECT_NE(message(not_a_number).find("t = 0."), std::string::npos);
  const auto stiff = [](const OdeState& y, double) { return OdeState{{-1e5 * y.components[0]}}; };
  EXPECT_NE(message(stiff).find("300"), std::string::npos);
}

class ContinuousFlowOf : public testing::TestWithParam<const char*> {};

/// Bent as far as training bends a field, not so far that it collapses everything: log_det is of order 1.
ContinuousFlow bent_flow(const std::string& velocity, const at::Tensor& basis = {}) {
  ContinuousFlow flow = small_flow(velocity, basis);
  bend(flow.velocity(), velocity == "egnn" ? 0.01 : velocity == "dit" ? 0.08 : 0.2);
  return flow;
}

TEST_P(ContinuousFlowOf, InverseUndoesForwardWithinTheTolerance) {
  // The egnn through a basis, the others on all coordinates.
  const at::Tensor basis = std::string(GetParam()) == "egnn" ? helmert_basis(4) : at::Tensor();
  const ContinuousFlow flow = bent_flow(GetParam(), basis);
  const at::Tensor x = random_normal({6, flow.dimension()}, 3).to(at::kFloat);
  const auto there = flow.forward(x, exact);
  const auto back = flow.inverse(there.x, exact);
  EXPECT_EQ(there.x.scalar_type(), at::kFloat);
  EXPECT_EQ(there.log_det.scalar_type(), at::kDouble);
  EXPECT_GT(largest(there.x - x), 0.05);
  EXPECT_LE(largest(back.x - x), 1e-3);  // 1e-5 (1 + |x|) a step, ten steps each way
  EXPECT_LE(largest(back.log_det + there.log_det), 5e-3);
  EXPECT_LE(largest(flow.transport(x) - there.x), 2e-3);  // whose steps are its own
}

// log_det against the determinant of the map's own Jacobian, by differences of the solution in float64.
TEST_P(ContinuousFlowOf, LogDetIsThatOfTheDenseJacobian) {
  ContinuousFlow flow = bent_flow(GetParam());
  flow.to_type(at::kDouble);
  flow.set_tolerances(1e-7, 1e-7);
  const at::Tensor x = random_normal({1, 12}, 4);
  const auto mapped = flow.forward(x, exact);
  std::vector<at::Tensor> columns;
  const double step = 1e-3;
  for (int j = 0; j < 12; ++j) {
    at::Tensor up = x.clone(), down = x.clone();
    up.select(1, j).add_(step);
    down.select(1, j).sub_(step);
    columns.push_back((flow.transport(up) - flow.transport(down)) / (2 * step));
  }
  const at::Tensor jacobian = at::stack(columns, 2);
  const double log_det = std::log(std::abs(at::det(jacobian[0]).item<double>()));
  EXPECT_GT(std::abs(log_det), 0.1);
  // step^2 of the differences, 1e-6, and the solver's error over the step for each of 12 columns
  EXPECT_NEAR(mapped.log_det[0].item<double>(), log_det, 5e-4);
}

TEST_P(ContinuousFlowOf, ResultsDoNotDependOnThreadsNorOnTheBatchBeyondTheTolerance) {
  const ContinuousFlow flow = bent_flow(GetParam());
  const at::Tensor x = random_normal({2 * flow.velocity().cpu_batch() + 7, 12}, 5).to(at::kFloat);
  ContinuousFlowOptions options = flow.options();
  options.divergence = "hutchinson";  // differentiates in every thread
  const ContinuousFlow estimated(flow.velocity().copy(), options);
  set_thread_count(1);
  const at::Tensor first = flow.transport(x), first_log_det = estimated.inverse(x, exact).log_det;
  set_thread_count(2);
  const at::Tensor second = flow.transport(x), second_log_det = estimated.inverse(x, exact).log_det;
  set_thread_count(0);
  EXPECT_TRUE(at::equal(first, second));
  EXPECT_TRUE(at::equal(first_log_det, second_log_det));
  EXPECT_LE(largest(flow.transport(x.narrow(0, 3, 2)) - first.narrow(0, 3, 2)), 1e-3);
  RandomStream random(5);
  const auto sample = flow.sample(3, random, exact);
  EXPECT_LE(largest(flow.log_prob_no_grad(sample.z, exact) - sample.log_prob), 1e-2);
  EXPECT_EQ(flow.forward(at::empty({0, 12}), exact).log_det.size(0), 0);
  EXPECT_THROW(flow.forward(at::empty({3, 11}), exact), InputError);
}

INSTANTIATE_TEST_SUITE_P(Networks, ContinuousFlowOf, testing::Values("two-layer", "egnn", "dit"), [](const auto& info) {
  return std::string(info.param) == "two-layer" ? "two_layer" : std::string(info.param);
});

TEST(ContinuousFlow, ParametersTravelThroughTheDensityInterface) {
  ContinuousFlow flow = bent_flow("egnn"), other = small_flow("egnn");
  const at::Tensor x = random_normal({5, 12}, 6).to(at::kFloat);
  EXPECT_EQ(largest(other.transport(x) - x), 0);  // a new flow is the identity
  other.set_flat_parameters(flow.flat_parameters());
  EXPECT_TRUE(at::equal(other.transport(x), flow.transport(x)));
  const auto copy = flow.copy();
  EXPECT_TRUE(at::equal(copy->flat_parameters(), flow.flat_parameters()));
  EXPECT_TRUE(at::equal(copy->forward(x.narrow(0, 0, 1), exact).x, flow.forward(x.narrow(0, 0, 1), exact).x));
}

TEST(ContinuousFlow, DensitiesInOneAndTwoDimensionsAreNormalised) {
  for (const int dimension : {1, 2}) {
    ContinuousFlowOptions options;
    options.velocity = "two-layer";
    options.hidden_width = 16;
    const ContinuousFlow flow = make_continuous_flow(dimension, {}, options, 3);
    bend(flow.velocity(), 0.3);
    // Midpoint rule on [-16, 16]^d: exponentially accurate for a smooth density that vanishes at the edge.
    const std::int64_t n = dimension == 1 ? 800 : 120;
    const double cell = 32.0 / static_cast<double>(n);
    const at::Tensor axis = (at::arange(n, at::kDouble) + 0.5) * cell - 16;
    const at::Tensor points =
        dimension == 1 ? axis.unsqueeze(1) : at::stack({axis.repeat_interleave(n), axis.repeat({n})}, 1);
    const at::Tensor density = flow.log_prob_no_grad(points.to(at::kFloat), exact).exp();
    EXPECT_NEAR(density.sum().item<double>() * std::pow(cell, dimension), 1, 1e-3);
    const at::Tensor base = at::exp(-0.5 * points.square().sum(1));
    EXPECT_GT(largest(density - base / std::pow(2 * std::numbers::pi, 0.5 * dimension)), 0.02);  // not the identity
  }
}

// The mean over n samples of estimate - exact has the standard error sqrt(sum of squared errors) / n: 5 of them are a
// false alarm of 6e-7, and the solver's tolerance is far below. 16 probes give each error to 18 %.
TEST(ContinuousFlow, HutchinsonLogDetIsUnbiasedWithinItsStatedError) {
  const ContinuousFlow flow = small_flow("two-layer");
  bend(flow.velocity());
  ContinuousFlowOptions options = flow.options();
  options.divergence = "hutchinson";
  options.n_probes = 16;
  const ContinuousFlow estimated(flow.velocity().copy(), options);
  const at::Tensor x = random_normal({200, 12}, 7).to(at::kFloat);
  const auto truth = flow.with_standard_error(ContinuousFlow::Direction::inverse, x);
  const auto estimate = estimated.with_standard_error(ContinuousFlow::Direction::inverse, x);
  EXPECT_EQ(largest(truth.standard_error), 0);
  const at::Tensor difference = estimate.log_det - truth.log_det;
  const double error = std::sqrt(estimate.standard_error.square().sum().item<double>()) / 200;
  EXPECT_GT(error, 1e-3);
  EXPECT_LE(std::abs(difference.mean().item<double>()), 5 * error);
  // Mean square of 200 standardised differences: 1 within 5 sqrt(2 / 200), and Student's 15 degrees add 15 / 13.
  const double spread = (difference / estimate.standard_error).square().mean().item<double>();
  EXPECT_NEAR(spread, 15.0 / 13.0, 0.6);
  EXPECT_TRUE(at::equal(estimate.log_det, estimated.inverse(x, exact).log_det));
  options.n_probes = 1;
  EXPECT_TRUE(std::isnan(ContinuousFlow(flow.velocity().copy(), options)
                             .with_standard_error(ContinuousFlow::Direction::forward, x)
                             .standard_error[0]
                             .item<double>()));
}

// Plain stochastic gradient descent with momentum stands in for the optimiser of the floor above.
TEST(ContinuousFlow, FlowMatchingLearnsAMixtureInTwoDimensions) {
  ContinuousFlowOptions options;
  options.velocity = "two-layer";
  options.hidden_width = 64;
  const ContinuousFlow flow = make_continuous_flow(2, {}, options, 3);
  const double deviation = 0.4;
  const auto data = [&](std::int64_t n, std::uint64_t seed) {
    at::Tensor x = deviation * random_normal({n, 2}, seed);
    x.select(1, 0).add_(1.2 * random_normal({n}, seed + 1).sign());
    return x.to(at::kFloat);
  };
  const auto log_density = [&](const at::Tensor& x) {
    const at::Tensor y = x.to(at::kDouble), a = y.select(1, 0);
    const at::Tensor modes = at::stack({-(a - 1.2).square(), -(a + 1.2).square()}, 1) / (2 * deviation * deviation);
    return at::logsumexp(modes, 1) - std::numbers::ln2 - y.select(1, 1).square() / (2 * deviation * deviation) -
           std::log(2 * std::numbers::pi * deviation * deviation);
  };
  const at::Tensor test = data(2000, 11);
  const auto gap = [&] { return (log_density(test) - flow.log_prob_no_grad(test, exact)).mean().item<double>(); };
  const double before = gap();
  std::vector<at::Tensor> first, second;
  for (const auto& p : flow.parameters()) {
    first.push_back(at::zeros_like(p));
    second.push_back(at::zeros_like(p));
  }
  const int n_steps = 1000;
  for (int step = 1; step <= n_steps; ++step) {
    const auto seed = static_cast<std::uint64_t>(100 * step);
    const at::Tensor x0 = random_normal({256, 2}, seed).to(at::kFloat);
    const at::Tensor t = at::special_ndtr(random_normal({256}, seed + 1)).to(at::kFloat);
    const at::Tensor loss = flow_matching_loss(flow.velocity(), x0, data(256, seed + 2), t, exact);
    const auto gradients = torch::autograd::grad({loss}, flow.parameters());
    const c10::AutoGradMode no_gradients(false);
    for (std::size_t k = 0; k < gradients.size(); ++k) {  // Adam
      first[k].mul_(0.9).add_(gradients[k], 0.1);
      second[k].mul_(0.99).addcmul_(gradients[k], gradients[k], 0.01);
      const double rate = 5e-3 * (1 - static_cast<double>(step - 1) / n_steps) / (1 - std::pow(0.9, step));
      at::Tensor(flow.parameters()[k])
          .addcdiv_(first[k], (second[k] / (1 - std::pow(0.99, step))).sqrt() + 1e-8, -rate);
    }
  }
  EXPECT_GT(before, 0.5);
  EXPECT_LT(gap(), 0.05);   // nats; the forward Kullback-Leibler divergence
  EXPECT_GT(gap(), -0.05);  // its standard error over 2000 points is about 0.005
}

TEST(ContinuousFlow, FlowMatchingLossIsTheMeanSquareOverSamplesAndDimensions) {
  const auto field = bent_field("two-layer", at::kDouble);
  const at::Tensor x0 = random_normal({3, 12}, 1), x1 = random_normal({3, 12}, 2),
                   noise = 0.1 * random_normal({3, 12}, 3);
  const at::Tensor t = at::tensor({0.0, 0.25, 1.0}, at::kDouble);
  double sum = 0;
  for (std::int64_t i = 0; i < 3; ++i) {
    const at::Tensor x = (1 - t[i]) * x0[i] + t[i] * x1[i] + noise[i];
    const at::Tensor v = field->velocity(x.unsqueeze(0), t[i].unsqueeze(0), exact)[0];
    for (std::int64_t j = 0; j < 12; ++j) sum += std::pow((v[j] - (x1[i][j] - x0[i][j])).item<double>(), 2);
  }
  EXPECT_NEAR(flow_matching_loss(*field, x0, x1, t, exact, noise).item<double>(), sum / 36, 1e-12);
  EXPECT_THROW(flow_matching_loss(*field, x0, x1.narrow(0, 0, 2), t, exact), InputError);
  EXPECT_THROW(flow_matching_loss(*field, x0, x1, t.narrow(0, 0, 1), exact), InputError);
}

}  // namespace
}  // namespace boltzflow
