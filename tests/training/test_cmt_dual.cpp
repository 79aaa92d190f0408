// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/training/annealing_path.hpp"
#include "boltzflow/training/cmt_dual.hpp"
#include "boltzflow/training/fixed_schedule.hpp"

namespace boltzflow {
namespace {

struct Buffer {
  std::vector<double> log_prob, reduced_energy;
};

// q_i a standard normal in d dimensions, the target some rugged function of the same points.
Buffer random_buffer(int n, int dimension, double roughness, std::uint64_t seed) {
  RandomStream random(seed);
  Buffer buffer;
  for (int i = 0; i < n; ++i) {
    double log_prob = -0.5 * dimension * std::log(2 * M_PI), energy = 0;
    for (int k = 0; k < dimension; ++k) {
      const double x = random.normal();
      log_prob -= 0.5 * x * x;
      energy += roughness * (x - 0.3) * (x - 0.3) + std::sin(3 * x);
    }
    buffer.log_prob.push_back(log_prob);
    buffer.reduced_energy.push_back(energy);
  }
  return buffer;
}

// The same with the clashes of untrained flows: energies over eight orders of magnitude.
Buffer clashing_buffer(int n, std::uint64_t seed) {
  Buffer buffer = random_buffer(n, 20, 2.0, seed);
  RandomStream random(seed + 1);
  for (double& u : buffer.reduced_energy) u += std::min(1e8 + 20, std::exp(19 * std::pow(random.uniform(), 2)) - 1);
  return buffer;
}

// Straight from the equations, without shifts beyond the largest exponent.
CmtDualPoint reference_point(const Buffer& b, double lambda, double eta) {
  const double s = 1 + lambda + eta;
  std::vector<double> a;
  CmtDualPoint point{.lambda = lambda, .eta = eta};
  for (std::size_t n = 0; n < b.log_prob.size(); ++n) {
    a.push_back((-b.reduced_energy[n] - (1 + eta) * b.log_prob[n]) / s);
    point.entropy -= b.log_prob[n] / static_cast<double>(b.log_prob.size());
  }
  const double largest = *std::max_element(a.begin(), a.end());
  double total = 0, squares = 0;
  for (const double value : a) {
    total += std::exp(value - largest);
    squares += std::exp(2 * (value - largest));
  }
  point.log_z = largest + std::log(total / static_cast<double>(a.size()));
  for (std::size_t n = 0; n < a.size(); ++n) {
    const double weight = std::exp(a[n] - largest) / total;
    point.kl += weight * (a[n] - point.log_z);
    point.entropy_next -= weight * (a[n] + b.log_prob[n] - point.log_z);
  }
  point.ess_next = total * total / squares / static_cast<double>(a.size());
  return point;
}

double dual_value(CmtDual& dual, double lambda, double eta, double trust_region, double entropy_decrease) {
  const CmtDualPoint p = dual.at(lambda, eta);
  return -(1 + lambda + eta) * p.log_z - lambda * trust_region + eta * (p.entropy - entropy_decrease);
}

TEST(CmtDual, AgreesWithTheEquationsOnEveryInstructionSet) {
  for (const Buffer& buffer : {random_buffer(4099, 5, 2.0, 1), clashing_buffer(10'000, 2)})
    for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
      if (set > best_instruction_set()) continue;
      force_instruction_set(set);
      CmtDual dual(buffer.log_prob, buffer.reduced_energy);
      for (const auto& [lambda, eta] : {std::pair{0.0, 0.0}, {0.5, 0.0}, {0.0, 3.0}, {20.0, 7.0}, {1e6, 1.0}}) {
        const CmtDualPoint point = dual.at(lambda, eta), expected = reference_point(buffer, lambda, eta);
        // Sums of up to 10,000 float64 terms; energies of 1e8 leave 1e-8 after the shift, divided by s.
        EXPECT_NEAR(point.log_z, expected.log_z, 1e-8);
        EXPECT_NEAR(point.kl, expected.kl, 1e-8);
        EXPECT_NEAR(point.entropy, expected.entropy, 1e-10);
        EXPECT_NEAR(point.entropy_next, expected.entropy_next, 1e-8);
        EXPECT_NEAR(point.ess_next, expected.ess_next, 1e-9);
      }
    }
  force_instruction_set(best_instruction_set());
}

TEST(CmtDual, GradientOfTheDualIsTheViolationOfTheConstraints) {
  const Buffer buffer = random_buffer(3000, 4, 2.0, 3);
  CmtDual dual(buffer.log_prob, buffer.reduced_energy);
  const double trust_region = 0.2, entropy_decrease = 0.7, step = 1e-5;
  for (const auto& [lambda, eta] : {std::pair{0.3, 0.2}, {2.0, 0.5}, {10.0, 30.0}}) {
    const CmtDualPoint point = dual.at(lambda, eta);
    const auto g = [&](double l, double e) { return dual_value(dual, l, e, trust_region, entropy_decrease); };
    const double by_lambda = (g(lambda + step, eta) - g(lambda - step, eta)) / (2 * step);
    const double by_eta = (g(lambda, eta + step) - g(lambda, eta - step)) / (2 * step);
    // Central differences: rounding of g of size 100 at 1e-14 over 1e-5, plus third derivatives times 1e-10.
    EXPECT_NEAR(by_lambda, point.kl - trust_region, 1e-6);
    EXPECT_NEAR(by_eta, point.entropy - point.entropy_next - entropy_decrease, 1e-6);
  }
}

TEST(CmtDual, MeetsBothConstraintsAndNoGridPointIsBetter) {
  const Buffer buffer = random_buffer(5000, 6, 3.0, 4);
  CmtDual dual(buffer.log_prob, buffer.reduced_energy);
  for (const auto& [trust_region, entropy_decrease] :
       {std::pair{0.3, 0.4}, {0.05, 3.0}, {2.0, 0.05}, {0.01, 0.02}, {100.0, 0.5}, {100.0, 100.0}}) {
    const CmtDualPoint best = dual.solve({.trust_region = trust_region, .entropy_decrease = entropy_decrease});
    const double decrease = best.entropy - best.entropy_next;
    EXPECT_LE(best.kl, trust_region * (1 + 1e-9));
    EXPECT_LE(decrease, entropy_decrease + 1e-9);
    // Complementary slackness: a positive multiplier's constraint holds with equality.
    if (best.lambda > 0) {
      EXPECT_NEAR(best.kl, trust_region, 1e-9 * trust_region);
    }
    if (best.eta > 0) {
      EXPECT_NEAR(decrease, entropy_decrease, 1e-9);
    }
    const double value = dual_value(dual, best.lambda, best.eta, trust_region, entropy_decrease);
    for (double lambda = 0; lambda < 1e3; lambda = 1.3 * lambda + 0.01)
      for (double eta = 0; eta < 1e3; eta = 1.3 * eta + 0.01)
        ASSERT_LE(dual_value(dual, lambda, eta, trust_region, entropy_decrease), value + 1e-9 * (1 + std::abs(value)));
  }
}

TEST(CmtDual, LeavesOutConstraintsThatAreNotSet) {
  const Buffer buffer = random_buffer(5000, 6, 3.0, 5);
  CmtDual dual(buffer.log_prob, buffer.reduced_energy);
  const CmtDualPoint trust_region = dual.solve({.trust_region = 0.1, .entropy_decrease = {}});
  EXPECT_EQ(trust_region.eta, 0);
  EXPECT_NEAR(trust_region.kl, 0.1, 1e-10);
  const CmtDualPoint entropy = dual.solve({.trust_region = {}, .entropy_decrease = 0.5});
  EXPECT_EQ(entropy.lambda, 0);
  EXPECT_NEAR(entropy.entropy - entropy.entropy_next, 0.5, 1e-9);
  const CmtDualPoint none = dual.solve({.trust_region = {}, .entropy_decrease = {}});
  EXPECT_EQ(none.lambda, 0);
  EXPECT_EQ(none.eta, 0);
  EXPECT_GT(none.kl, 1);
}

TEST(CmtDual, FindsTheLargeMultipliersOfClashingSamples) {
  for (const std::uint64_t seed : {7, 8, 9}) {
    Buffer buffer = clashing_buffer(50'000, seed);
    for (std::size_t i = 0; i < buffer.reduced_energy.size(); ++i)
      if (i % 10 != 0) buffer.reduced_energy[i] = 1e8 + static_cast<double>(i % 30);  // nine of ten clash
    CmtDual dual(buffer.log_prob, buffer.reduced_energy);
    const CmtDualPoint point = dual.solve({.trust_region = 0.3, .entropy_decrease = 3.0});
    EXPECT_GT(point.lambda, 1e6);
    EXPECT_LE(point.lambda, 1e11);
    EXPECT_NEAR(point.kl, 0.3, 1e-8);
    EXPECT_NEAR(point.ess_next, 1 / (1 + 2 * 0.3), 0.25);  // CMT's approximation for small KL
  }
}

TEST(CmtDual, GaussiansHaveAClosedForm) {
  // Quantiles of N(0, 1) instead of random points: averages over them are integrals up to 1e-4.
  const int n = 200'000;
  Buffer buffer;
  const double variance = 0.25;
  for (int i = 0; i < n; ++i) {
    const double p = (i + 0.5) / n;
    double x = 0;  // Newton on the normal distribution function
    for (int k = 0; k < 60; ++k) {
      const double error = 0.5 * std::erfc(-x / std::sqrt(2.0)) - p;
      x -= std::clamp(error / std::max(std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI), 1e-12), -0.5, 0.5);
    }
    buffer.log_prob.push_back(-0.5 * x * x - 0.5 * std::log(2 * M_PI));
    buffer.reduced_energy.push_back(0.5 * x * x / variance);
  }
  CmtDual dual(buffer.log_prob, buffer.reduced_energy);
  const double trust_region = 0.05;
  const CmtDualPoint point = dual.solve({.trust_region = trust_region, .entropy_decrease = {}});
  // q_{i+1} = N(0, v) with 1/v = (lambda + 1/variance) / (1 + lambda) and KL = (v - 1 - log v) / 2.
  const double v = (1 + point.lambda) / (point.lambda + 1 / variance);
  EXPECT_NEAR(0.5 * (v - 1 - std::log(v)), trust_region, 1e-4);
  EXPECT_NEAR(point.entropy, 0.5 * std::log(2 * M_PI * M_E), 1e-4);
  EXPECT_NEAR(point.entropy_next, 0.5 * std::log(2 * M_PI * M_E * v), 1e-4);
  // Z of the target itself: integral of exp(-x^2 / (2 variance)).
  EXPECT_NEAR(dual.at(0, 0).log_z, 0.5 * std::log(2 * M_PI * variance), 1e-4);
  // Effective samples: 1 / integral q_{i+1}^2 / q_i.
  EXPECT_NEAR(point.ess_next, std::sqrt(2 / v - 1) * v, 1e-4);
}

TEST(CmtDual, LeavesOutWhatIsNotFinite) {
  Buffer buffer = random_buffer(2000, 3, 2.0, 6);
  CmtDual clean(buffer.log_prob, buffer.reduced_energy);
  buffer.log_prob.insert(buffer.log_prob.begin(), {NAN, 1.0, -INFINITY, 2.0});
  buffer.reduced_energy.insert(buffer.reduced_energy.begin(), {1.0, NAN, 2.0, INFINITY});
  CmtDual dual(buffer.log_prob, buffer.reduced_energy);
  EXPECT_EQ(dual.n_dropped(), 4);
  EXPECT_EQ(dual.n_samples(), 2000);
  EXPECT_EQ(dual.solve({.trust_region = 0.1, .entropy_decrease = 0.1}).lambda,
            clean.solve({.trust_region = 0.1, .entropy_decrease = 0.1}).lambda);
  const std::vector<double> nothing{NAN};
  EXPECT_THROW(CmtDual(nothing, nothing), InputError);
}

TEST(CmtDual, FlatWeightsNeedNoConstraint) {
  const std::vector<double> log_prob(100, -3.0), energy(100, 5.0);
  const CmtDualPoint point = CmtDual(log_prob, energy).solve({.trust_region = 0.1, .entropy_decrease = 0.1});
  EXPECT_EQ(point.lambda, 0);
  EXPECT_EQ(point.eta, 0);
  EXPECT_NEAR(point.log_z, -2.0, 1e-14);
  EXPECT_NEAR(point.ess_next, 1.0, 1e-14);
}

TEST(AnnealingPath, FollowsTheTheorem) {
  AnnealingPath path;
  double one_minus_beta = 1, exponent = 0, previous_beta = 0;
  for (const auto& [lambda, eta] : {std::pair{50.0, 9.0}, {12.0, 4.0}, {3.0, 0.5}, {0.7, 0.0}}) {
    path.advance(lambda, eta);
    one_minus_beta *= lambda / (1 + lambda + eta);
    exponent = (lambda * exponent + 1) / (1 + lambda + eta);
    EXPECT_NEAR(path.beta, 1 - one_minus_beta, 1e-15);
    EXPECT_NEAR(path.alpha() * path.beta, exponent, 1e-15);
    EXPECT_GT(path.beta, previous_beta);
    previous_beta = path.beta;
  }
  path.advance(0, 0);
  EXPECT_EQ(path.beta, 1);
  EXPECT_EQ(path.alpha(), 1);
}

TEST(FixedSchedule, ItsMultipliersLeadThroughItsExponents) {
  for (const std::string schedule : {"linear", "geometric"}) {
    AnnealingPath path;
    for (int i = 0; i < 10; ++i) {
      path.advance(lambda_of_schedule(schedule, i, 10), 0);
      EXPECT_NEAR(path.beta, beta_of_schedule(schedule, i + 1, 10), 1e-14) << schedule << " " << i;
      EXPECT_NEAR(path.alpha(), 1, 1e-12);
    }
    EXPECT_EQ(path.beta, 1);
  }
}

}  // namespace
}  // namespace boltzflow
