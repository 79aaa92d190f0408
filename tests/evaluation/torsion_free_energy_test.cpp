// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/torsion_free_energy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr TorsionWindow positive{0, pi}, negative{-pi, 0};

/// A share of the angles evenly over (0, pi), the rest over (-pi, 0).
std::vector<double> two_sided(std::size_t n, double share, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> angle(n);
  for (double& phi : angle) phi = (random.uniform() < share ? 1 : -1) * pi * random.uniform();
  return angle;
}

TEST(TorsionFreeEnergy, CountsWithTheBinomialError) {
  const auto angle = two_sided(5000, 0.1, 1);
  const Estimate counted = counted_free_energy_difference(angle, {}, negative, positive, 0, 200, RandomStream(2));
  // d log(p / (1-p)) = dp / (p (1-p)), dp^2 = p (1-p) / n.
  const double theory = 1 / std::sqrt(5000 * 0.1 * 0.9);
  EXPECT_NEAR(counted.value, std::log(9.0), 4 * theory);
  EXPECT_NEAR(counted.error, theory, 0.25 * theory);  // 200 replicates: 5 %, and p is estimated
}

TEST(TorsionFreeEnergy, ReweightsAndSeesBlocks) {
  const auto angle = two_sided(4000, 0.5, 3);
  std::vector<double> weight;
  for (const double phi : angle) weight.push_back(phi > 0 ? 1.0 : std::exp(2.0));
  EXPECT_NEAR(counted_free_energy_difference(angle, weight, negative, positive, 0, 50, RandomStream(2)).value, 2, 0.13);
  std::vector<double> slow;  // each kept for 20 frames
  for (std::size_t n = 0; n < 4000; ++n) slow.push_back(angle[n / 20]);
  const double frames = counted_free_energy_difference(slow, {}, negative, positive, 0, 100, RandomStream(2)).error;
  const double blocks = counted_free_energy_difference(slow, {}, negative, positive, 200, 100, RandomStream(2)).error;
  EXPECT_NEAR(blocks / frames, std::sqrt(20.0), 1.5);
}

TEST(TorsionFreeEnergy, OfAnEmptyWindowIsInfiniteWithoutError) {
  const std::vector angle{-1.0, -2.0};
  const Estimate none = counted_free_energy_difference(angle, {}, negative, positive, 0, 10, RandomStream(1));
  EXPECT_EQ(none.value, INFINITY);
  EXPECT_TRUE(std::isnan(none.error));
}

TEST(TorsionFreeEnergy, ProfileIsMinusLogOfTheShares) {
  const std::vector angle{-3.0, -1.0, -1.0, 1.0, 1.0, 1.0}, weight{0.0, 1.0, 1.0, 1.0, 1.0, 2.0};
  const TorsionProfile profile = torsion_profile(angle, weight, 4, 0, 20, RandomStream(1));
  ASSERT_EQ(profile.free_energy.size(), 4u);
  EXPECT_NEAR(profile.angle[0], -0.75 * pi, 1e-12);
  EXPECT_EQ(profile.free_energy[0].value, INFINITY);
  EXPECT_NEAR(profile.free_energy[1].value, std::log(2.0), 1e-12);
  EXPECT_EQ(profile.free_energy[2].value, 0);
  EXPECT_THROW(torsion_profile(angle, weight, 0, 0, 20, RandomStream(1)), InputError);
  EXPECT_THROW(torsion_profile({}, {}, 4, 0, 20, RandomStream(1)), InputError);
}

// A flat distribution: every bin of n p counts has the error sqrt((1 - p) / (n p)).
TEST(TorsionFreeEnergy, ProfileErrorsAreThoseOfCounts) {
  const auto angle = two_sided(20'000, 0.5, 6);
  const TorsionProfile profile = torsion_profile(angle, {}, 10, 0, 200, RandomStream(1));
  const double theory = std::sqrt(0.9 / 2000);
  for (const Estimate& f : profile.free_energy) {
    EXPECT_NEAR(f.error, theory, 0.3 * theory);
    EXPECT_LT(f.value, 8 * theory);
  }
}

}  // namespace
}  // namespace boltzflow
