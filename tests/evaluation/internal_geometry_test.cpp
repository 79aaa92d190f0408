// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/internal_geometry.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

/// Four atoms with known bonds, angles and torsion, turned and shifted at random.
std::vector<double> chain_with(double bond, double angle, double torsion, RandomStream& random) {
  const double s = std::sin(angle), c = std::cos(angle);
  // i, j, k in the x-y plane; l turned by the torsion about j-k (IUPAC: clockwise seen from j to k is positive).
  const std::vector<double> x{bond * c,
                              bond * s,
                              0,
                              0,
                              0,
                              0,
                              bond,
                              0,
                              0,
                              bond - bond * c,
                              bond * s * std::cos(torsion),
                              bond * s * std::sin(torsion)};
  double q[4], norm = 0;
  for (double& component : q) {
    component = random.normal();
    norm += component * component;
  }
  for (double& component : q) component /= std::sqrt(norm);
  const auto [w, a, b, d] = std::array{q[0], q[1], q[2], q[3]};
  const double rotation[3][3] = {{1 - 2 * (b * b + d * d), 2 * (a * b - w * d), 2 * (a * d + w * b)},
                                 {2 * (a * b + w * d), 1 - 2 * (a * a + d * d), 2 * (b * d - w * a)},
                                 {2 * (a * d - w * b), 2 * (b * d + w * a), 1 - 2 * (a * a + b * b)}};
  std::vector<double> turned(12);
  const double shift[3] = {random.normal(), random.normal(), random.normal()};
  for (std::size_t atom = 0; atom < 4; ++atom)
    for (std::size_t row = 0; row < 3; ++row) {
      turned[3 * atom + row] = shift[row];
      for (std::size_t column = 0; column < 3; ++column)
        turned[3 * atom + row] += rotation[row][column] * x[3 * atom + column];
    }
  return turned;
}

TEST(InternalGeometry, RecoversWhatTheChainWasBuiltFrom) {
  RandomStream random(1);
  std::vector<double> positions, bonds, bends, twists;
  for (int n = 0; n < 5000; ++n) {
    bonds.push_back(0.1 + 0.1 * random.uniform());
    bends.push_back(0.3 + 2.5 * random.uniform());
    twists.push_back(2 * pi * random.uniform() - pi);
    const auto chain = chain_with(bonds.back(), bends.back(), twists.back(), random);
    positions.insert(positions.end(), chain.begin(), chain.end());
  }
  const std::span<const double> x(positions);
  const auto d = distances(x, 4, {1, 2}), a = angles(x, 4, {0, 1, 2}), t = torsion_angles(x, 4, {0, 1, 2, 3});
  const std::vector<float> rounded(positions.begin(), positions.end());
  const auto t_float = torsion_angles(std::span<const float>(rounded), 4, {0, 1, 2, 3});
  for (std::size_t n = 0; n < d.size(); ++n) {
    EXPECT_NEAR(d[n], bonds[n], 1e-13);
    EXPECT_NEAR(a[n], bends[n], 1e-12);
    EXPECT_NEAR(std::remainder(t[n] - twists[n], 2 * pi), 0, 1e-11);
    EXPECT_NEAR(std::remainder(t_float[n] - twists[n], 2 * pi), 0, 2e-4);  // 3e-7 nm of 0.1 nm, sin 0.3
    EXPECT_GE(t[n], -pi);
    EXPECT_LT(t[n], pi);
  }
}

TEST(InternalGeometry, SignsOfIupac) {
  const auto torsion = [](double z) {
    const std::vector<double> x{0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, z};
    return torsion_angles(std::span<const double>(x), 4, {0, 1, 2, 3})[0];
  };
  EXPECT_NEAR(torsion(0), 0, 1e-15);       // cis
  EXPECT_NEAR(torsion(1), pi / 4, 1e-15);  // seen along +x, from +y towards +z is clockwise
  EXPECT_NEAR(torsion(-1), -pi / 4, 1e-15);
  const std::vector<double> trans{0, 1, 0, 0, 0, 0, 1, 0, 0, 1, -1, 0};
  EXPECT_EQ(torsion_angles(std::span<const double>(trans), 4, {0, 1, 2, 3})[0], -pi);
}

TEST(InternalGeometry, DegenerateGeometryStaysFinite) {
  const std::vector<double> line{0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0}, point(12);
  for (const auto* x : {&line, &point}) {
    EXPECT_TRUE(std::isfinite(torsion_angles(std::span<const double>(*x), 4, {0, 1, 2, 3})[0]));
    EXPECT_TRUE(std::isfinite(angles(std::span<const double>(*x), 4, {0, 1, 2})[0]));
  }
  EXPECT_DOUBLE_EQ(angles(std::span<const double>(line), 4, {0, 1, 2})[0], pi);
}

TEST(InternalGeometry, RefusesWrongShapesAndAtoms) {
  const std::vector<double> x(12);
  EXPECT_THROW(distances(std::span<const double>(x), 5, {0, 1}), InputError);
  EXPECT_THROW(distances(std::span<const double>(x), 0, {0, 1}), InputError);
  EXPECT_THROW(distances(std::span<const double>(x), 4, {0, 4}), InputError);
  EXPECT_THROW(distances(std::span<const double>(x), 4, {-1, 0}), InputError);
}

}  // namespace
}  // namespace boltzflow
