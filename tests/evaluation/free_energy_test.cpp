// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/free_energy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(FreeEnergy, PopulationsOfWindowsOnTheCircle) {
  const std::vector angle{-3.0, -1.0, 0.0, 1.0, 3.0, 1.0 + 2 * pi}, weight{1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
  EXPECT_DOUBLE_EQ(population(angle, {}, {0, -pi}), 4.0 / 6);
  EXPECT_DOUBLE_EQ(population(angle, weight, {0, pi}), 18.0 / 21);
  EXPECT_DOUBLE_EQ(population(angle, weight, {-pi, 0}), 3.0 / 21);
  EXPECT_DOUBLE_EQ(population(angle, weight, {2.5, -2.5}), 6.0 / 21);  // over the seam
}

TEST(FreeEnergy, DifferenceIsMinusRtLogRatio) {
  EXPECT_NEAR(free_energy_difference(0.0025, 0.9975, 300), 0.00831446261815324 * 300 * std::log(399.0), 1e-12);
  EXPECT_EQ(free_energy_difference(0, 1, 300), infinity);
  EXPECT_EQ(free_energy_difference(1, 0, 300), -infinity);
}

TEST(FreeEnergy, SurfaceStartsAtZeroAndEmptyBinsAreInfinite) {
  EXPECT_THAT(free_energy_surface(std::vector{0.5, 0.5 * std::exp(-1.0), 0.0}, 1 / 0.00831446261815324),
              testing::ElementsAre(0.0, testing::DoubleNear(1, 1e-12), infinity));
  EXPECT_THAT(free_energy_surface({}, 300), testing::IsEmpty());
}

TEST(FreeEnergy, RefusesDegenerateInput) {
  const std::vector one{0.5};
  EXPECT_THROW(population({}, {}, {0, 1}), InputError);
  EXPECT_THROW(population(one, std::vector{1.0, 2.0}, {0, 1}), InputError);
  EXPECT_THROW(population(one, std::vector{0.0}, {0, 1}), InputError);
  EXPECT_THROW(population(one, std::vector{-1.0}, {0, 1}), InputError);
  EXPECT_THROW(population(std::vector{std::nan("")}, {}, {0, 1}), InputError);
}

}  // namespace
}  // namespace boltzflow
