// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

FrameColumns three_samples() {
  return {.log_prob = {0, 0, 0},
          .reduced_energy = {0, -std::log(2.0), -std::log(3.0)},
          .phi = {{-1, -1, 1}},
          .psi = {{1, 1, 1}},
          .distances = {}};
}

double value_of(const std::string& name, const MetricData& data) {
  for (const MetricEntry& metric : metrics())
    if (name == metric.name) return metric.value(data, 0);
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

TEST(Metrics, EveryRowHasItsOwnNameAndSaysWhatItIs) {
  std::set<std::string> names, labels;
  for (const MetricEntry& metric : metrics()) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_TRUE(labels.insert(metric.label).second) << metric.label;
    EXPECT_GT(std::strlen(metric.documentation), 10u) << metric.name;
    EXPECT_LE(std::strlen(metric.label), 38u) << metric.name << " is too long for the table of to_text()";
  }
}

TEST(Metrics, ValuesOfThreeWeightedSamples) {  // weights 1, 2, 3
  const FrameColumns samples = three_samples();
  ReferenceColumns reference;
  reference.log_prob = {-1, -3, -100};
  reference.reduced_energy = {-2, -6, 0};
  reference.representable = {1, 1, 0};
  reference.phi = {{-1, -1, 1}};
  reference.psi = {{1, 1, 1}};
  const MetricData data(samples, &reference, 300, {});
  EXPECT_NEAR(value_of("effective_sample_size", data), 12.0 / 14, 1e-14);
  EXPECT_NEAR(value_of("log_partition_function_reverse", data), std::log(2.0), 1e-14);
  EXPECT_NEAR(value_of("evidence_lower_bound", data), std::log(6.0) / 3, 1e-14);
  EXPECT_NEAR(value_of("evidence_upper_bound", data), 6, 1e-14);  // of the representable frames: 3 and 9
  EXPECT_NEAR(value_of("negative_log_likelihood", data), 2, 1e-14);
  EXPECT_NEAR(value_of("log_partition_function_forward", data), -std::log((std::exp(-3.0) + std::exp(-9.0)) / 2),
              1e-13);
  EXPECT_NEAR(value_of("mean_reduced_energy", data), -(2 * std::log(2.0) + 3 * std::log(3.0)) / 6, 1e-14);
  EXPECT_NEAR(value_of("mean_reduced_energy_reference", data), -8.0 / 3, 1e-14);
  EXPECT_NEAR(value_of("ramachandran_total_variation", data), 0, 1e-14);
  EXPECT_NEAR(value_of("ramachandran_total_variation_reweighted", data), 1.0 / 6, 1e-14);  // 1/2 against 1/3
  EXPECT_NEAR(value_of("ramachandran_kullback_leibler_reweighted", data),
              2.0 / 3 * std::log(4.0 / 3) + 1.0 / 3 * std::log(2.0 / 3), 1e-9);  // 1e-10 added to densities
  EXPECT_NEAR(value_of("population_phi_positive", data), 1.0 / 3, 1e-14);
  EXPECT_NEAR(value_of("population_phi_positive_reweighted", data), 0.5, 1e-14);
  EXPECT_NEAR(value_of("population_phi_positive_reference", data), 1.0 / 3, 1e-14);
  EXPECT_NEAR(value_of("free_energy_difference_reweighted", data), 0, 1e-13);
  EXPECT_NEAR(value_of("free_energy_difference", data), 0.00831446261815324 * 300 * std::log(2.0), 1e-12);
}

TEST(Metrics, ClashesCountAsTheCap) {
  FrameColumns samples = three_samples();
  samples.reduced_energy = {1, 1e19, 30};
  samples.phi = samples.psi = {};
  ReferenceColumns reference;
  reference.reduced_energy = {0, 20, 10};  // the cap is 120
  const MetricData data(samples, &reference, 300, {});
  EXPECT_NEAR(value_of("energy_wasserstein_1_capped", data), (1.0 + 20 + 100) / 3, 1e-12);
  EXPECT_NEAR(value_of("energy_wasserstein_2_capped", data), std::sqrt((1.0 + 400 + 10000) / 3), 1e-12);
  EXPECT_NEAR(value_of("energy_above_cap", data), 1.0 / 3, 1e-15);
  EXPECT_EQ(value_of("median_log_weight", data), -30);
  samples = {.log_prob = {0, 0, 0, 0}, .reduced_energy = {5, 1, INFINITY, 2}, .phi = {}, .psi = {}, .distances = {}};
  EXPECT_EQ(value_of("median_log_weight", MetricData(samples, nullptr, 300, {})), -3.5);  // of -inf, -5, -2, -1
}

TEST(Metrics, TheLeftHandedBasinEndsBeforeTheSeam) {
  FrameColumns samples = three_samples();  // weights 1, 2, 3
  samples.phi = {{1.0, 2.5, -2.0}};        // left-handed, extended beyond 126 degrees, negative
  const MetricData data(samples, nullptr, 300, {});
  EXPECT_NEAR(value_of("population_left_handed", data), 1.0 / 3, 1e-14);
  EXPECT_NEAR(value_of("population_left_handed_reweighted", data), 1.0 / 6, 1e-14);
  EXPECT_NEAR(value_of("population_phi_positive", data), 2.0 / 3, 1e-14);
}

TEST(Metrics, AreAvailableWhereTheirColumnsAre) {
  const auto available = [](const MetricData& data) {
    std::set<std::string> names;
    for (const MetricEntry& metric : metrics())
      if (is_available(metric, data)) names.insert(metric.name);
    return names;
  };
  FrameColumns bare = three_samples();
  bare.phi.clear();
  bare.psi.clear();
  EXPECT_EQ(available(MetricData(bare, nullptr, 300, {})).count("population_phi_positive"), 0u);
  EXPECT_EQ(available(MetricData(bare, nullptr, 300, {})).count("effective_sample_size"), 1u);
  ReferenceColumns reference;
  reference.reduced_energy = {1.0};
  const auto with_energy = available(MetricData(bare, &reference, 300, {}));
  EXPECT_EQ(with_energy.count("mean_reduced_energy_reference"), 1u);
  EXPECT_EQ(with_energy.count("evidence_upper_bound"), 0u);
}

TEST(Metrics, RefuseColumnsThatDoNotFit) {
  FrameColumns samples = three_samples();
  ReferenceColumns reference;
  EXPECT_THROW(MetricData(samples, &reference, 300, {}), InputError);  // no frames
  reference.reduced_energy = {1, 2};
  reference.log_prob = {1};
  EXPECT_THROW(MetricData(samples, &reference, 300, {}), InputError);
  reference.log_prob.clear();
  reference.reduced_energy = {1, std::nan("")};
  EXPECT_THROW(MetricData(samples, &reference, 300, {}), InputError);
  samples.psi[0].pop_back();
  EXPECT_THROW(MetricData(samples, nullptr, 300, {}), InputError);
  samples.psi.clear();
  EXPECT_THROW(MetricData(samples, nullptr, 300, {}), InputError);
}

}  // namespace
}  // namespace boltzflow
