// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/evaluate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "evaluation/gaussian_problem.hpp"
#include "evaluation/torsion_mixture.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Samples of a Gaussian problem with torsions beside them, and a reference of the exact target.
EvaluationInput gaussian_input(std::size_t n_samples, std::size_t n_reference, std::uint64_t seed) {
  const GaussianProblem problem;
  EvaluationInput input;
  for (const double x : problem.flow_samples(n_samples, RandomStream(seed, 0))) {
    input.samples.log_prob.push_back(problem.log_prob(x));
    input.samples.reduced_energy.push_back(problem.reduced_energy(x));
  }
  input.samples.phi.resize(1);
  input.samples.psi.resize(1);
  TorsionMixture().sample(n_samples, RandomStream(seed, 1), input.samples.phi[0], input.samples.psi[0]);
  if (n_reference == 0) return input;
  ReferenceColumns reference;
  for (const double x : problem.target_samples(n_reference, RandomStream(seed, 2))) {
    reference.log_prob.push_back(problem.log_prob(x));
    reference.reduced_energy.push_back(problem.reduced_energy(x));
  }
  reference.phi.resize(1);
  reference.psi.resize(1);
  TorsionMixture().sample(n_reference, RandomStream(seed, 3), reference.phi[0], reference.psi[0]);
  input.reference = std::move(reference);
  return input;
}

Estimate estimate_of(const Evaluation& evaluation, const char* name) {
  const MetricValue* value = find_metric(evaluation, name);
  if (value == nullptr) throw std::runtime_error(std::string("no metric ") + name);
  return value->estimate;
}

TEST(Evaluate, FindsTheClosedFormsWithinItsErrors) {
  const GaussianProblem problem;
  const Evaluation evaluation = evaluate(gaussian_input(20'000, 20'000, 1), {.n_transport_points = 300});
  const auto expect_within = [&](const char* name, double truth, double scale) {
    const Estimate estimate = estimate_of(evaluation, name);
    EXPECT_NEAR(estimate.value, truth, 5 * estimate.error)
        << name;  // false alarm 6e-7, errors being known to 7 %: below 1e-5
    EXPECT_GT(estimate.error, scale / 3) << name;
    EXPECT_LT(estimate.error, scale * 3) << name;
  };
  const double n = 20'000, ess = problem.ess_fraction(), positive = TorsionMixture().population_phi_positive();
  expect_within("log_partition_function_reverse", problem.log_z, std::sqrt((1 / ess - 1) / n));
  expect_within("log_partition_function_forward", problem.log_z, std::sqrt((1 / ess - 1) / n));
  expect_within("evidence_lower_bound", problem.log_z - problem.reverse_divergence(), 0.22 * std::sqrt(2 / n) * 1.44);
  expect_within("evidence_upper_bound", problem.log_z + problem.forward_divergence(), 0.15 * std::sqrt(2 / n));
  expect_within("effective_sample_size", ess, 1e-3);
  expect_within("forward_effective_sample_size", ess, 1e-3);
  expect_within("population_phi_positive_reference", positive, std::sqrt(positive / n));
  expect_within("free_energy_difference_reference", 0.00831446261815324 * 300 * std::log(1 / positive - 1),
                2.5 / std::sqrt(positive * n));
}

TEST(Evaluate, APerfectSamplerScoresTheFloor) {
  const Evaluation evaluation = evaluate(gaussian_input(20'000, 20'000, 2), {.n_transport_points = 300});
  for (const char* name : {"ramachandran_total_variation", "ramachandran_total_variation_reweighted"}) {
    const MetricValue* value = find_metric(evaluation, name);
    ASSERT_TRUE(value != nullptr && value->floor.has_value());
    EXPECT_NEAR(value->estimate.value, value->floor->value, 0.07 * value->floor->value) << name;  // measured: 2 %
  }
  EXPECT_GT(find_metric(evaluation, "ramachandran_total_variation_reweighted")->floor->value,
            find_metric(evaluation, "ramachandran_total_variation")->floor->value);  // fewer effective samples
  EXPECT_FALSE(find_metric(evaluation, "effective_sample_size")->floor.has_value());
}

TEST(Evaluate, DoesNotDependOnTheNumberOfThreads) {
  const EvaluationInput input = gaussian_input(2000, 1000, 3);
  const int n_threads = thread_count();
  set_thread_count(1);
  const auto one = to_json(evaluate(input)).dump();
  set_thread_count(4);
  const auto four = to_json(evaluate(input)).dump();
  set_thread_count(n_threads);
  EXPECT_EQ(one, four);
}

TEST(Evaluate, BlocksMakeErrorsOfTheReferenceLarger) {
  EvaluationInput input = gaussian_input(500, 500, 4), repeated = input;
  ReferenceColumns& reference = *repeated.reference;
  const auto repeat = [](std::vector<double>& column) {  // every frame twenty times in a row
    std::vector<double> longer;
    for (const double value : column) longer.insert(longer.end(), 20, value);
    column = longer;
  };
  for (auto* column : {&reference.log_prob, &reference.reduced_energy, &reference.phi[0], &reference.psi[0]})
    repeat(*column);
  reference.n_blocks = 500;
  const double right = estimate_of(evaluate(input), "evidence_upper_bound").error;
  EXPECT_NEAR(estimate_of(evaluate(repeated), "evidence_upper_bound").error, right, 0.3 * right);
  reference.n_blocks = 0;
  EXPECT_LT(estimate_of(evaluate(repeated), "evidence_upper_bound").error, 0.4 * right);
}

TEST(Evaluate, OneSampleAndNoReferenceGiveWhatTheyCan) {
  const Evaluation evaluation = evaluate(gaussian_input(1, 0, 5));
  EXPECT_EQ(estimate_of(evaluation, "effective_sample_size").value, 1);
  EXPECT_EQ(find_metric(evaluation, "evidence_upper_bound"), nullptr);
  EXPECT_FALSE(evaluation.halves.has_value());
  EXPECT_EQ(estimate_of(evaluation, "population_phi_positive").value, 0);
  EXPECT_EQ(estimate_of(evaluation, "free_energy_difference").value, infinity);
  EXPECT_TRUE(std::isnan(estimate_of(evaluation, "free_energy_difference").error));
  EXPECT_THAT(to_text(evaluation), testing::HasSubstr("+inf"));
}

TEST(Evaluate, InfiniteEnergiesAreCountedAndWeighNothing) {
  EvaluationInput input = gaussian_input(1000, 0, 6), with_clash = input;
  with_clash.samples.reduced_energy[7] = infinity;
  const Evaluation evaluation = evaluate(with_clash);
  EXPECT_EQ(evaluation.n_zero_weights, 1u);
  EXPECT_EQ(estimate_of(evaluation, "evidence_lower_bound").value, -infinity);
  EXPECT_TRUE(std::isfinite(estimate_of(evaluation, "mean_reduced_energy").value));
  EXPECT_TRUE(to_json(evaluation)["metrics"]["evidence_lower_bound"]["value"].is_null());
  for (double& energy : with_clash.samples.reduced_energy) energy = infinity;
  EXPECT_THROW(evaluate(with_clash), InputError);
  with_clash.samples.reduced_energy.back() =
      0;  // one weight: most replicates have it, those without do not resolve errors
  EXPECT_TRUE(std::isnan(estimate_of(evaluate(with_clash), "log_partition_function_reverse").error));
}

TEST(Evaluate, RefusesDegenerateInput) {
  EXPECT_THROW(evaluate({}), InputError);
  EvaluationInput input = gaussian_input(10, 10, 7);
  input.temperature = 0;
  EXPECT_THROW(evaluate(input), InputError);
  input.temperature = 300;
  input.reference->n_blocks = 11;
  EXPECT_THROW(evaluate(input), InputError);
  input.reference->n_blocks = 0;
  EXPECT_THROW(evaluate(input, {.n_bins = 0}), InputError);
  input.samples.phi[0][3] = std::nan("");
  EXPECT_THROW(evaluate(input), InputError);
}

TEST(Evaluate, JsonNamesEveryMetric) {
  EvaluationInput input = gaussian_input(500, 300, 8);
  input.torsion_pair_names = {"ALA 2"};
  input.reference->representable.assign(300, 1);
  input.reference->representable[0] = 0;
  const Evaluation evaluation = evaluate(input);
  const auto json = nlohmann::json::parse(to_json(evaluation).dump());
  EXPECT_EQ(json["torsion_pairs"][0]["name"], "ALA 2");
  EXPECT_NEAR(json["representable_fraction"].get<double>(), 299.0 / 300, 1e-12);
  EXPECT_TRUE(json["reference_halves"]["total_variation"]["value"].is_number());
  for (const MetricEntry& metric : metrics()) {
    const auto& place = metric.per_pair ? json["torsion_pairs"][0] : json["metrics"];
    ASSERT_TRUE(place.contains(metric.name)) << metric.name;
    EXPECT_EQ(place[metric.name].contains("floor"), metric.floor != MetricFloor::none) << metric.name;
  }
}

TEST(Evaluate, TextShowsLabelUnitErrorAndFloor) {
  const std::string text = to_text(evaluate(gaussian_input(5000, 5000, 9), {.n_transport_points = 300}));
  for (const MetricEntry& metric : metrics()) EXPECT_THAT(text, testing::HasSubstr(metric.label));
  EXPECT_THAT(
      text, testing::ContainsRegex("Ramachandran TV +0\\.[0-9]+ \\+- 0\\.[0-9]+ +floor 0\\.[0-9]+ \\+- 0\\.[0-9]+\n"));
  EXPECT_THAT(text, testing::ContainsRegex("log Z, from samples +-[23]\\.[0-9]+ \\+- 0\\.[0-9]+ nats\n"));
  if (testing::Test::HasFailure()) std::puts(text.c_str());
}

TEST(FormatEstimate, ShowsNoMoreDigitsThanTheErrorDeserves) {
  EXPECT_EQ(format_estimate({-175.00412, 0.00213}), "-175.0041 +- 0.0021");
  EXPECT_EQ(format_estimate({-175.00412, 0.0043}), "-175.004 +- 0.004");
  EXPECT_EQ(format_estimate({0.25, 0.0996}), "0.25 +- 0.10");
  EXPECT_EQ(format_estimate({0.25, 0.0299}), "0.25 +- 0.03");
  EXPECT_EQ(format_estimate({0.25, 0.0252}), "0.250 +- 0.025");
  EXPECT_EQ(format_estimate({91.2345, 0.96}), "91.2 +- 1.0");
  EXPECT_EQ(format_estimate({12345.6, 420}), "12346 +- 420");
  EXPECT_EQ(format_estimate({3.25, 0.5}, "\u00b1"), "3.2 \u00b1 0.5");
  EXPECT_EQ(format_estimate({0.123456, 0}), "0.1235");
  EXPECT_EQ(format_estimate({0.123456, std::nan("")}), "0.1235");
  EXPECT_EQ(format_estimate({-infinity, 1}), "-inf");
  EXPECT_EQ(format_estimate({std::nan(""), 1}), "not defined");
  EXPECT_EQ(format_estimate({1e12, 3e10}), "1e+12 +- 3e+10");
}

}  // namespace
}  // namespace boltzflow
