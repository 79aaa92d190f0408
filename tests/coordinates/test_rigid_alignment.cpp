// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/rigid_alignment.hpp"

#include <array>

#include "boltzflow/base/errors.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

std::array<double, 4> random_quaternion(RandomStream& random) {
  std::array<double, 4> q{};
  double square = 0;
  for (double& value : q) value = random.normal(), square += value * value;
  for (double& value : q) value /= std::sqrt(square);
  return q;
}

std::vector<double> turned(const std::vector<double>& x, const Rotation& rotation, double shift) {
  std::vector<double> out(x.size());
  for (std::size_t i = 0; i < x.size(); i += 3)
    for (std::size_t a = 0; a < 3; ++a)
      out[i + a] = rotation[a][0] * x[i] + rotation[a][1] * x[i + 1] + rotation[a][2] * x[i + 2] + shift;
  return out;
}

TEST(RigidAlignment, UndoesAnyMotion) {
  const auto& reference = alanine_dipeptide().positions;
  RandomStream random(5);
  for (int n = 0; n < 200; ++n) {
    std::vector<double> frame = turned(reference, rotation_of_quaternion(random_quaternion(random)), 3.0);
    std::vector<double> rmsd(1);
    align_frames(frame, reference, rmsd);
    EXPECT_LE(largest_difference(frame, reference), 1e-14);  // nm, after a shift by 3
    EXPECT_LE(rmsd[0], 1e-14);
  }
}

// No small turn of the aligned frame, nor any of many large ones, comes nearer.
TEST(RigidAlignment, IsTheNearest) {
  const auto& reference = alanine_dipeptide().positions;
  RandomStream random(6);
  std::vector<double> frame = turned(reference, rotation_of_quaternion(random_quaternion(random)), -1.0);
  for (double& value : frame) value += 0.05 * random.normal();
  std::vector<double> rmsd(1);
  align_frames(frame, reference, rmsd);
  EXPECT_GT(rmsd[0], 0.04);
  EXPECT_LT(rmsd[0], 0.12);
  std::array<double, 3> mean{};
  for (std::size_t i = 0; i < frame.size(); ++i) mean[i % 3] += 3 * frame[i] / static_cast<double>(frame.size());
  const auto deviation = [&](const Rotation& rotation) {
    double sum = 0;
    for (std::size_t i = 0; i < frame.size(); i += 3)
      for (std::size_t a = 0; a < 3; ++a) {
        double value = mean[a] - reference[i + a];
        for (std::size_t b = 0; b < 3; ++b) value += rotation[a][b] * (frame[i + b] - mean[b]);
        sum += value * value;
      }
    return std::sqrt(3 * sum / static_cast<double>(frame.size()));
  };
  for (int n = 0; n < 2000; ++n) {
    auto q = random_quaternion(random);
    if (n % 2 == 0) {
      const double angle = 1e-3;
      const double axis = std::sqrt(q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
      q = {std::cos(angle / 2), std::sin(angle / 2) * q[1] / axis, std::sin(angle / 2) * q[2] / axis,
           std::sin(angle / 2) * q[3] / axis};
    }
    EXPECT_GT(deviation(rotation_of_quaternion(q)), rmsd[0]);
  }
}

TEST(RigidAlignment, NeverReflects) {
  const auto& reference = alanine_dipeptide().positions;
  std::vector<double> mirror = reference, rmsd(1);
  for (double& value : mirror) value = -value;
  const Rotation r = best_rotation(mirror, reference);
  const double determinant = r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) -
                             r[0][1] * (r[1][0] * r[2][2] - r[1][2] * r[2][0]) +
                             r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
  EXPECT_NEAR(determinant, 1, 1e-14);
  align_frames(mirror, reference, rmsd);
  EXPECT_GT(rmsd[0], 0.03);
}

TEST(RigidAlignment, DegenerateAndWrongInput) {
  std::vector<double> line{0, 0, 0, 1, 0, 0, 2, 0, 0}, reference{0, 0, 1, 0, 0, 2, 0, 0, 3}, rmsd(1);
  align_frames(line, reference, rmsd);
  EXPECT_NEAR(rmsd[0], 0, 1e-14);
  std::vector<double> point{1, 2, 3}, origin{0, 0, 0};
  align_frames(point, origin);
  EXPECT_EQ(point, origin);
  std::vector<double> wrong(7);
  EXPECT_THROW(align_frames(wrong, reference), InputError);
  EXPECT_THROW((void)best_rotation(line, origin), InputError);
  EXPECT_THROW(align_frames(line, reference, std::span(wrong)), InputError);
}

}  // namespace
}  // namespace boltzflow
