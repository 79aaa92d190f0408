// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/transport_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/evaluation/random_subsets.hpp"
#include "boltzflow/evaluation/torus_wasserstein.hpp"
#include "boltzflow/evaluation/weight_filter.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;
constexpr double infinity = std::numeric_limits<double>::infinity();
using Columns = std::vector<std::vector<double>>;

TEST(TorusWasserstein, GoesOverTheSeam) {
  // One point each: 0.2 and 0.3 rad away, the first over the seam and a turn further.
  EXPECT_NEAR(torus_wasserstein(Columns{{pi - 0.1}, {1.0}}, Columns{{-pi + 0.1 + 2 * pi}, {1.3}}),
              std::sqrt(0.2 * 0.2 + 0.3 * 0.3), 1e-6);  // float32 turns
  EXPECT_NEAR(torus_wasserstein(Columns{{0.0}}, Columns{{pi}}), pi, 1e-6);
}

// The best of all permutations of few points is what the assignment finds.
TEST(TorusWasserstein, IsTheBestOfAllPairings) {
  RandomStream random(5);
  Columns a(3, std::vector<double>(6)), b = a;
  for (auto* columns : {&a, &b})
    for (auto& column : *columns)
      for (double& angle : column) angle = pi * (4 * random.uniform() - 2);
  std::vector<std::size_t> order(6);
  std::iota(order.begin(), order.end(), 0);
  double least = infinity;
  do {
    double sum = 0;
    for (std::size_t i = 0; i < 6; ++i)
      for (std::size_t k = 0; k < 3; ++k) sum += std::pow(std::remainder(a[k][i] - b[k][order[i]], 2 * pi), 2);
    least = std::min(least, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_NEAR(torus_wasserstein(a, b), std::sqrt(least / 6), 1e-5);
}

TEST(TorusWasserstein, RefusesWhatIsNoPairOfSets) {
  EXPECT_THROW(torus_wasserstein({}, {}), InputError);
  EXPECT_THROW(torus_wasserstein(Columns{{}}, Columns{{}}), InputError);
  EXPECT_THROW(torus_wasserstein(Columns{{0.0, 1.0}}, Columns{{0.0}}), InputError);
  EXPECT_THROW(torus_wasserstein(Columns{{infinity}}, Columns{{0.0}}), InputError);
}

TEST(RandomSubsets, HalvesKeepBlocksWholeAndShareNothing) {
  const auto [first, second] = random_halves(103, 10, RandomStream(1));
  EXPECT_EQ(first.size() + second.size(), 103u);
  std::vector<int> half(103, -1);
  for (const auto n : first) half[n] = 0;
  for (const auto n : second) half[n] = 1;
  for (std::size_t block = 0; block < 10; ++block)
    for (std::size_t n = 103 * block / 10; n < 103 * (block + 1) / 10; ++n) EXPECT_EQ(half[n], half[103 * block / 10]);
  EXPECT_THROW(random_halves(5, 1, RandomStream(1)), InputError);
}

TEST(WeightFilter, DropsTheLargestAndOnlyThose) {
  const std::vector log_weight{3.0, 1.0, 3.0, -infinity, 2.0};
  EXPECT_THAT(drop_largest_log_weights(log_weight, 0.2), ElementsAre(-infinity, 1, 3, -infinity, 2));
  EXPECT_THAT(drop_largest_log_weights(log_weight, 0.4), ElementsAre(-infinity, 1, -infinity, -infinity, 2));
  EXPECT_EQ(drop_largest_log_weights(log_weight, 0), log_weight);
  EXPECT_THROW(drop_largest_log_weights(log_weight, 1), InputError);
  EXPECT_THROW(drop_largest_log_weights({}, 0), InputError);
}

/// Samples with phi uniform and a weight that makes their half phi > 0 as rare as in the reference, where it holds a
/// tenth; a distance column that follows phi.
EvaluationInput half_turned_input(std::size_t n) {
  EvaluationInput input;
  ReferenceColumns reference;
  RandomStream random(8);
  const auto fill = [&](FrameColumns& frames, double share) {
    frames.phi.resize(1), frames.psi.resize(1), frames.distances.resize(1);
    for (std::size_t i = 0; i < n; ++i) {
      const bool positive = random.uniform() < share;
      const double phi = (positive ? 1 : -1) * pi * random.uniform();
      frames.phi[0].push_back(phi);
      frames.psi[0].push_back(pi * random.uniform());
      frames.distances[0].push_back(positive ? 0.4f : 0.3f);
      frames.log_prob.push_back(0);
      frames.reduced_energy.push_back(positive ? -std::log(0.1) : -std::log(0.9));
    }
  };
  fill(input.samples, 0.5);
  fill(reference, 0.1);
  input.reference = reference;
  return input;
}

TEST(TransportMetrics, ReweightingBringsTheDistancesToTheFloor) {
  EvaluationOptions options;
  options.n_transport_points = 500;
  options.n_replicates = 5;
  const EvaluationInput input = half_turned_input(4000);
  const Evaluation evaluation = evaluate(input, options);
  const auto* raw = find_metric(evaluation, "torus_wasserstein");
  const auto* reweighted = find_metric(evaluation, "torus_wasserstein_reweighted");
  ASSERT_NE(raw, nullptr);
  ASSERT_NE(reweighted, nullptr);
  ASSERT_TRUE(raw->floor.has_value());
  EXPECT_EQ(raw->n_points, 500u);
  // 0.4 of the points have to move; the floor is the noise of 500 points.
  EXPECT_GT(raw->estimate.value, 2 * raw->floor->value);
  EXPECT_LT(reweighted->estimate.value, 1.3 * raw->floor->value);
  EXPECT_GT(raw->estimate.error, 0);
  // Distances differ by 0.1 nm for 0.4 of the samples: 0.04 nm, to the noise of shares of 500 points (0.02 each).
  const auto* distance = find_metric(evaluation, "distance_wasserstein");
  ASSERT_NE(distance, nullptr);
  EXPECT_NEAR(distance->estimate.value, 0.04, 0.006);
  EXPECT_LT(find_metric(evaluation, "distance_wasserstein_reweighted")->estimate.value, 0.006);
  EXPECT_EQ(to_json(evaluation)["metrics"]["torus_wasserstein"]["n_points"], 500);
  EXPECT_THAT(to_text(evaluation), testing::HasSubstr("T-W2, 500 points"));
}

TEST(TransportMetrics, DoNotDependOnThreadsAndCanBeLeftOut) {
  EvaluationOptions options;
  options.n_transport_points = 100;
  options.n_replicates = 2;
  EvaluationInput input = half_turned_input(700);
  input.reference->n_blocks = 20;
  const std::string once = to_json(evaluate(input, options)).dump();
  set_thread_count(3);
  const std::string again = to_json(evaluate(input, options)).dump();
  set_thread_count(0);
  EXPECT_EQ(once, again);
  options.n_transport_points = 0;
  EXPECT_EQ(find_metric(evaluate(input, options), "torus_wasserstein"), nullptr);
}

TEST(TransportMetrics, ShrinkToWhatTheReferenceHolds) {
  EvaluationOptions options;
  options.n_replicates = 2;
  EvaluationInput input = half_turned_input(90);
  const Evaluation evaluation = evaluate(input, options);
  EXPECT_EQ(find_metric(evaluation, "torus_wasserstein")->n_points, 45u);
  input.samples.distances[0].pop_back();
  EXPECT_THROW(evaluate(input, options), InputError);
}

// Energies of a target that the samples miss by a shift: E-W1 is the shift.
TEST(TransportMetrics, EnergyWassersteinIsTheShiftOfTheEnergies) {
  EvaluationInput input = half_turned_input(2000);
  for (std::size_t n = 0; n < 2000; ++n) {
    input.samples.reduced_energy[n] = 5 + 0.001 * static_cast<double>(n);
    input.samples.log_prob[n] = -0.001 * static_cast<double>(n);  // equal weights
    input.reference->reduced_energy[n] = 3 + 0.001 * static_cast<double>(1999 - n);
  }
  EvaluationOptions options;
  options.n_replicates = 10;
  options.n_transport_points = 0;
  const Evaluation evaluation = evaluate(input, options);
  for (const char* name : {"energy_wasserstein_1", "energy_wasserstein_2", "energy_wasserstein_1_reweighted",
                           "energy_wasserstein_2_reweighted"}) {
    ASSERT_NE(find_metric(evaluation, name), nullptr) << name;
    EXPECT_NEAR(find_metric(evaluation, name)->estimate.value, 2, 1e-9) << name;
    EXPECT_GT(find_metric(evaluation, name)->estimate.error, 0) << name;
  }
}

}  // namespace
}  // namespace boltzflow
