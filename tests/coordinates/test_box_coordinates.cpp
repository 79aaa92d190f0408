// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/box_coordinates.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

const BoxCoordinates box({-2, 10, 0}, {3, 10.5, 1e-3});

TEST(BoxCoordinates, CornersAndVolume) {
  EXPECT_EQ(box.dimension(), 3);
  EXPECT_EQ(box.configuration_size(), 3);
  const std::vector<double> z{0, 1, 0.5, 0, 1, 0.5, 0, 1, 0.5};  // three samples, feature-major
  std::vector<double> x(9), log_det(3);
  box.to_cartesian(z, x, log_det);
  EXPECT_EQ(x, (std::vector<double>{-2, 10, 0, 3, 10.5, 1e-3, 0.5, 10.25, 0.5e-3}));
  for (const double value : log_det) EXPECT_NEAR(value, std::log(5 * 0.5 * 1e-3), 1e-15);
}

TEST(BoxCoordinates, InverseUndoesTheMap) {
  constexpr std::size_t n = 1000;
  RandomStream random(3);
  std::vector<double> z(3 * n), x(3 * n), z_again(3 * n), log_det(n), log_det_inverse(n);
  for (double& value : z) value = random.uniform();
  for (std::size_t k = 0; k < 3; ++k) z[k * n] = 0, z[k * n + 1] = 1;  // both corners
  std::vector<std::uint8_t> representable(n, 7);
  box.to_cartesian(z, x, log_det);
  box.from_cartesian(x, z_again, log_det_inverse, representable);
  // 10 to 10.5: rounding of x, 1e-15, over a side of 0.5.
  for (std::size_t i = 0; i < z.size(); ++i) EXPECT_NEAR(z_again[i], z[i], 1e-14);
  EXPECT_EQ(log_det, log_det_inverse);
  EXPECT_EQ(representable, std::vector<std::uint8_t>(n, 1));

  std::vector<float> z32(z.begin(), z.end()), x32(3 * n);
  box.to_cartesian(z32, x32, log_det);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x32[i], x[i], 1e-6);  // half a unit in the last place of 10.5
}

TEST(BoxCoordinates, OutsideIsNotRepresentable) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x{4, 10.1, 0, 0, 9, 2, 0, nan, 0, 0, 10.1, 0};
  std::vector<double> z(12), log_det(4);
  std::vector<std::uint8_t> representable(4);
  box.from_cartesian(x, z, log_det, representable);
  EXPECT_EQ(representable, (std::vector<std::uint8_t>{0, 0, 0, 1}));
  EXPECT_EQ(z[0], 1);
  EXPECT_EQ(z[4 + 1], 0);
  EXPECT_EQ(z[8 + 1], 1);
  EXPECT_EQ(z[4 + 2], 0);
  const std::vector<double> beyond{2, -1, nan};
  std::vector<double> one(3), one_log_det(1);
  box.to_cartesian(beyond, one, one_log_det);
  EXPECT_EQ(one[0], 3);
  EXPECT_EQ(one[1], 10);
  EXPECT_TRUE(std::isnan(one[2]));
}

TEST(BoxCoordinates, GradientIsItsSides) {
  const std::vector<float> z{0.5f, 1.5f, 0.5f, 0.5f, 0.5f, 0.5f};  // two samples, feature-major; one beyond the box
  const std::vector<float> x_gradient{1, 2, 3, 4, 5, 6};
  std::vector<float> z_gradient(6);
  const std::vector<double> log_det_gradient(2, 7.0);
  box.to_cartesian_gradient(z, x_gradient, log_det_gradient, z_gradient);
  const std::vector<float> expected{5, 0, 1, 2.5f, 3e-3f, 6e-3f};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(z_gradient[i], expected[i]);
  EXPECT_THROW(box.to_cartesian_gradient(z, x_gradient, log_det_gradient, std::span(z_gradient).first(5)), InputError);
}

TEST(BoxCoordinates, RefusesBoxesWithoutVolumeAndWrongSizes) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THROW(BoxCoordinates({}, {}), InputError);
  EXPECT_THROW(BoxCoordinates({0, 0}, {1}), InputError);
  EXPECT_THROW(BoxCoordinates({0, 1}, {1, 1}), InputError);
  EXPECT_THROW(BoxCoordinates({0}, {infinity}), InputError);
  std::vector<double> z(5), x(6), log_det(2);
  std::vector<std::uint8_t> representable(2);
  EXPECT_THROW(box.to_cartesian(std::span<const double>(z), x, log_det), InputError);
  EXPECT_THROW(box.from_cartesian(x, z, log_det, representable), InputError);
}

}  // namespace
}  // namespace boltzflow
