// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/finite_sample_floor.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "evaluation/torsion_mixture.hpp"

namespace boltzflow {
namespace {

struct Torsions {
  std::vector<double> phi, psi;
};

Torsions independent_torsions(std::size_t n, std::uint64_t seed) {
  Torsions torsions;
  TorsionMixture().sample(n, RandomStream(seed), torsions.phi, torsions.psi);
  return torsions;
}

CircularHistogram histogram_of(const Torsions& torsions) { return torus_histogram(torsions.phi, torsions.psi, {}); }

TEST(FiniteSampleFloor, ExpectedDistanceAgreesWithDrawing) {
  RandomStream random(1);
  const std::vector<double> probability{0.3, 0.3, 0.2, 0.15, 0.04, 0.008, 0.001, 0.0005, 0.0005, 0};
  for (const auto& [n, m] : {std::pair{50.0, 80.0}, {400.0, 100.0}, {30.0, 1e5}, {1e5, 30.0}, {1e5, 3e4}, {3.5, 2.5}}) {
    double sum = 0, sum_of_squares = 0;
    const int n_draws = 20'000;
    for (int draw = 0; draw < n_draws; ++draw) {
      double distance = 0;
      for (const double p : probability) {
        if (p == 0) continue;
        const auto x = static_cast<double>(std::poisson_distribution<int>(n * p)(random));
        const auto y = static_cast<double>(std::poisson_distribution<int>(m * p)(random));
        distance += 0.5 * std::abs(x / n - y / m);
      }
      sum += distance / n_draws;
      sum_of_squares += distance * distance / n_draws;
    }
    const double error = std::sqrt((sum_of_squares - sum * sum) / n_draws);
    // Five standard errors (false alarm 6e-7 each) and 0.2 % for the normal approximation above a mean of 40.
    EXPECT_NEAR(expected_total_variation(probability, n, m), sum, 5 * error + 0.002 * sum) << n << " " << m;
  }
}

// The floor is what fresh independent samples of the true distribution score, though it sees one reference alone. It is
// judged over four references; a single comparison scatters by 1 %, the reference's own bias is what the 5 % are for.
TEST(FiniteSampleFloor, IsWhatAPerfectSamplerScores) {
  for (const auto& [n_samples, n_reference] :
       {std::pair<std::size_t, std::size_t>{5'000, 5'000}, {100'000, 20'000}, {10'000, 100'000}}) {
    double floor = 0, floor_divergence = 0, score = 0, score_divergence = 0;
    for (std::uint64_t trial = 0; trial < 4; ++trial) {
      const Torsions reference = independent_torsions(n_reference, 100 + trial);
      const auto halves = split_reference(reference.phi, reference.psi, 0, 100, 4, RandomStream(7, trial));
      const auto estimate = finite_sample_floor(histogram_of(reference), halves.effective_size,
                                                static_cast<double>(n_samples), 4, RandomStream(8, trial));
      const auto sampled = histogram_of(independent_torsions(n_samples, 200 + trial));
      floor += estimate.total_variation.value / 4;
      floor_divergence += estimate.kullback_leibler.value / 4;
      score += total_variation(histogram_of(reference), sampled) / 4;
      score_divergence += kullback_leibler_divergence(histogram_of(reference), sampled) / 4;
    }
    EXPECT_NEAR(floor, score, 0.05 * score) << n_samples << " samples, reference of " << n_reference;
    EXPECT_NEAR(floor_divergence, score_divergence, 0.3 * score_divergence) << n_samples << ", " << n_reference;
  }
}

// Frames that repeat ten times are worth a tenth, if blocks say so.
TEST(FiniteSampleFloor, SeesCorrelatedReferences) {
  const Torsions once = independent_torsions(5'000, 3);
  Torsions tenfold;
  for (std::size_t n = 0; n < once.phi.size(); ++n)
    for (int repeat = 0; repeat < 10; ++repeat) {
      tenfold.phi.push_back(once.phi[n]);
      tenfold.psi.push_back(once.psi[n]);
    }
  const auto plain = split_reference(once.phi, once.psi, 500, 100, 10, RandomStream(4));
  const auto blocks = split_reference(tenfold.phi, tenfold.psi, 500, 100, 10, RandomStream(4));
  EXPECT_NEAR(blocks.total_variation.value, plain.total_variation.value, 1e-12);
  EXPECT_NEAR(blocks.effective_size, plain.effective_size, 1e-3 * plain.effective_size);
  const auto single_frames = split_reference(tenfold.phi, tenfold.psi, 0, 100, 10, RandomStream(4));
  EXPECT_LT(single_frames.total_variation.value, 0.6 * blocks.total_variation.value);
}

TEST(FiniteSampleFloor, FallsWithMoreSamples) {
  const Torsions reference = independent_torsions(10'000, 5);
  double last = 1;
  for (const double n : {0.5, 10.0, 1e3, 1e4, 1e6}) {
    const auto floor = finite_sample_floor(histogram_of(reference), 10'000, n, 5, RandomStream(6));
    EXPECT_LT(floor.total_variation.value, last + 1e-12) << n;
    EXPECT_TRUE(std::isfinite(floor.kullback_leibler.value));
    last = floor.total_variation.value;
  }
}

TEST(FiniteSampleFloor, RefusesReferencesThatCannotBeSplit) {
  const std::vector<double> one{0.0}, two{0.0, 1.0};
  EXPECT_THROW(split_reference(one, one, 0, 100, 3, RandomStream(1)), InputError);
  EXPECT_THROW(split_reference(two, two, 1, 100, 3, RandomStream(1)), InputError);
  EXPECT_THROW(split_reference(two, two, 3, 100, 3, RandomStream(1)), InputError);
  EXPECT_THROW(split_reference(two, two, 0, 100, 0, RandomStream(1)), InputError);
  EXPECT_NO_THROW(split_reference(two, two, 0, 100, 1, RandomStream(1)));
}

}  // namespace
}  // namespace boltzflow
