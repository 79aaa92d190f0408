// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/aligned_coordinates.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/coordinates/rigid_alignment.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

std::vector<double> normals(std::size_t n, std::uint64_t seed, double scale = 1) {
  RandomStream random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = scale * random.normal();
  return values;
}

void turn(std::vector<double>& frame, std::uint64_t seed) {
  const std::vector<double> v = normals(4, seed), shift = normals(3, seed + 1);
  const double norm = std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2] + v[3] * v[3]);
  const Rotation rotation = rotation_of_quaternion({v[0] / norm, v[1] / norm, v[2] / norm, v[3] / norm});
  for (std::size_t i = 0; i < frame.size(); i += 3) {
    const double x[3] = {frame[i], frame[i + 1], frame[i + 2]};
    for (std::size_t a = 0; a < 3; ++a)
      frame[i + a] = rotation[a][0] * x[0] + rotation[a][1] * x[1] + rotation[a][2] * x[2] + shift[a];
  }
}

struct Mapped {
  std::vector<double> values;
  double log_det;
};
Mapped positions_of(const CoordinateMap& map, const std::vector<double>& z) {
  Mapped mapped{std::vector<double>(static_cast<std::size_t>(map.configuration_size())), 0};
  map.to_cartesian(std::span<const double>(z), mapped.values, std::span(&mapped.log_det, 1));
  return mapped;
}
Mapped z_of(const CoordinateMap& map, const std::vector<double>& positions) {
  Mapped mapped{std::vector<double>(static_cast<std::size_t>(map.dimension())), 0};
  std::uint8_t representable = 0;
  map.from_cartesian(positions, mapped.values, std::span(&mapped.log_det, 1), std::span(&representable, 1));
  EXPECT_EQ(representable, 1);
  return mapped;
}

double log_abs_det(const std::vector<double>& rows, std::int64_t n) {
  const at::Tensor matrix = at::tensor(rows, at::kDouble).reshape({n, n});
  return std::get<1>(at::linalg_slogdet(matrix)).item<double>();
}

TEST(AlignedCoordinates, AreThoseOfTheAlignedFrameWhateverItsPlacement) {
  const std::vector<double> reference = normals(21, 1, 0.2);
  const AlignedCoordinates map(reference);
  ASSERT_EQ(map.dimension(), 15);
  for (std::uint64_t seed = 10; seed < 30; ++seed) {
    std::vector<double> frame = normals(21, seed, 0.2);
    const Mapped z = z_of(map, frame);
    std::vector<double> aligned = frame;
    align_frames(aligned, map.reference());
    const Mapped back = positions_of(map, z.values);
    for (std::size_t i = 0; i < 21; ++i) EXPECT_NEAR(back.values[i], aligned[i], 1e-12);
    EXPECT_NEAR(back.log_det, z.log_det, 1e-9);
    turn(frame, seed + 100);
    const Mapped turned = z_of(map, frame);
    for (std::size_t k = 0; k < 15; ++k) EXPECT_NEAR(turned.values[k], z.values[k], 1e-11);
    // Distances of z are those of aligned frames.
    double of_z = 0, of_frame = 0;
    for (const double value : z.values) of_z += value * value;
    for (std::size_t i = 0; i < 21; ++i) of_frame += std::pow(aligned[i] - map.reference()[i], 2);
    EXPECT_NEAR(of_z, of_frame, 1e-12);
  }
}

TEST(AlignedCoordinates, LogDetIsThatOfTranslationsRotationsAndShape) {
  const AlignedCoordinates map(normals(15, 3, 0.2));
  const int n = 15, d = 9;
  for (std::uint64_t seed = 40; seed < 50; ++seed) {
    const Mapped z = z_of(map, normals(15, seed, 0.2));
    const Mapped s = positions_of(map, z.values);
    std::vector<double> rows;
    for (int axis = 0; axis < 3; ++axis)
      for (int i = 0; i < n; ++i) rows.push_back(i % 3 == axis);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::size_t b = (axis + 1) % 3, c = (axis + 2) % 3;
      std::vector<double> row(static_cast<std::size_t>(n), 0.0);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); i += 3)
        row[i + b] = -s.values[i + c], row[i + c] = s.values[i + b];
      rows.insert(rows.end(), row.begin(), row.end());
    }
    for (std::size_t k = 0; k < static_cast<std::size_t>(d); ++k) {  // x is linear in z: differences are exact
      std::vector<double> moved = z.values;
      moved[k] += 1;
      const Mapped x = positions_of(map, moved);
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) rows.push_back(x.values[i] - s.values[i]);
    }
    // All rotations are 8 pi^2, of which the convention counts half.
    EXPECT_NEAR(s.log_det, log_abs_det(rows, n) + std::log(4 * pi * pi), 1e-10);
  }
}

TEST(AlignedCoordinates, MeasureTheVolumeThatInternalCoordinatesMeasure) {
  const InternalCoordinates internal(alanine_dipeptide());
  const std::vector<double>& positions = alanine_dipeptide().positions;
  std::vector<double> reference = positions;
  const std::vector<double> noise = normals(reference.size(), 7, 0.02);
  for (std::size_t i = 0; i < noise.size(); ++i) reference[i] += noise[i];
  const AlignedCoordinates aligned(reference);
  const Mapped z = z_of(internal, positions);
  const auto d = static_cast<std::size_t>(internal.dimension());
  ASSERT_EQ(aligned.dimension(), internal.dimension());
  std::vector<double> rows;
  constexpr double step = 1e-6;  // central differences: 1e-12 of curvature, 1e-10 of rounding
  for (std::size_t k = 0; k < d; ++k) {
    std::vector<double> up = z.values, down = z.values;
    up[k] += step, down[k] -= step;
    const Mapped a = z_of(aligned, positions_of(internal, up).values);
    const Mapped b = z_of(aligned, positions_of(internal, down).values);
    for (std::size_t i = 0; i < d; ++i) rows.push_back((a.values[i] - b.values[i]) / (2 * step));
  }
  EXPECT_NEAR(z.log_det, z_of(aligned, positions).log_det + log_abs_det(rows, internal.dimension()), 1e-5);
}

TEST(AlignedCoordinates, BeyondTheirDomainAFrameComesBackTurned) {
  const AlignedCoordinates map(normals(15, 3, 0.2));
  // The reference turned by half a turn about x, were it aligned, is not.
  std::vector<double> z = z_of(map, normals(15, 5, 0.2)).values;
  for (double& value : z) value *= -20;
  const std::vector<double> back = z_of(map, positions_of(map, z).values).values;
  double change = 0;
  for (std::size_t k = 0; k < z.size(); ++k) change = std::max(change, std::abs(back[k] - z[k]));
  EXPECT_GT(change, 0.01);
}

TEST(AlignedCoordinates, MeanStructureIsOneThatItsSetsAlignTo) {
  std::vector<double> frames, one = normals(12, 8, 0.2);
  for (std::uint64_t n = 0; n < 50; ++n) {
    std::vector<double> frame = one;
    const std::vector<double> noise = normals(12, 100 + n, 0.01);
    for (std::size_t i = 0; i < 12; ++i) frame[i] += noise[i];
    turn(frame, 200 + n);
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  const std::vector<double> mean = mean_structure({frames, frames}, 4);
  align_frames(one, mean);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_NEAR(mean[i], one[i], 0.006);  // four deviations of 0.01 / sqrt(50)
}

TEST(AlignedCoordinates, RefuseWhatHasNoOrientation) {
  EXPECT_THROW(AlignedCoordinates({0, 0, 0, 1, 0, 0}), InputError);
  EXPECT_THROW(AlignedCoordinates({0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}), InputError);
  EXPECT_THROW(AlignedCoordinates({0, 0, 0, 1, 0, 0, 0, std::numeric_limits<double>::quiet_NaN(), 0}), InputError);
  EXPECT_THROW(mean_structure({std::span<const double>()}, 4), InputError);
}

}  // namespace
}  // namespace boltzflow
