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
  // It is counted where it comes back.
  EXPECT_EQ(positions_of(map, z).log_det, -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isfinite(positions_of(map, back).log_det));
}

/// Frames of a pentamer that bends and breathes, placed at random. [n, 5, 3]
std::vector<double> moving_frames(std::uint64_t n) {
  std::vector<double> frames;
  const std::vector<double> shape = normals(15, 60, 0.2), stretch = normals(15, 61, 0.02), bend = normals(15, 62, 0.05);
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::vector<double> along = normals(2, 1000 + i), noise = normals(15, 90'000 + i, 0.003);
    std::vector<double> frame = shape;
    for (std::size_t k = 0; k < 15; ++k) frame[k] += along[0] * stretch[k] + along[1] * bend[k] + noise[k];
    turn(frame, 200'000 + 2 * i);
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  return frames;
}

TEST(AlignedCoordinates, WhitenedOnesHaveNoMeanAndUnitCovariance) {
  const std::size_t n = 2000, d = 9;
  const std::vector<double> frames = moving_frames(n);
  const AlignedCoordinates map = AlignedCoordinates::whitened(frames, 5);
  std::vector<double> z(d * n), log_det(n), back(frames.size()), log_det_back(n);
  std::vector<std::uint8_t> representable(n);
  map.from_cartesian(frames, z, log_det, representable);
  for (std::size_t k = 0; k < d; ++k) {
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) mean += z[k * n + i] / static_cast<double>(n);
    EXPECT_NEAR(mean, 0, 1e-3);  // the mean structure is found by repeated alignment
    for (std::size_t j = 0; j <= k; ++j) {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += z[k * n + i] * z[j * n + i] / static_cast<double>(n - 1);
      EXPECT_NEAR(sum, k == j ? 1 : 0, 1e-5) << k << " " << j;
    }
  }
  map.to_cartesian(std::span<const double>(z), back, log_det_back);
  const AlignedCoordinates plain({map.reference().begin(), map.reference().end()});
  double scaled = 0, last = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < d; ++k) {
    double square = 0;
    for (std::size_t i = 0; i < 15; ++i) square += std::pow(map.columns()[k * 15 + i], 2);
    EXPECT_LE(square, last);
    last = square;
    scaled += 0.5 * std::log(square);
  }
  for (std::size_t i = 0; i < n; i += 97) {
    std::vector<double> aligned(frames.begin() + static_cast<std::ptrdiff_t>(15 * i),
                                frames.begin() + static_cast<std::ptrdiff_t>(15 * i + 15));
    EXPECT_NEAR(log_det[i], z_of(plain, aligned).log_det + scaled, 1e-9);
    EXPECT_NEAR(log_det_back[i], log_det[i], 1e-9);
    align_frames(aligned, map.reference());
    for (std::size_t k = 0; k < 15; ++k) EXPECT_NEAR(back[15 * i + k], aligned[k], 1e-12);
  }
}

TEST(AlignedCoordinates, DirectionsThatDoNotMoveAreKeptWithASmallLength) {
  std::vector<double> frames;
  for (std::uint64_t i = 0; i < 50; ++i) {  // a rigid square that opens along one direction
    const double opening = 0.1 + 0.01 * normals(1, 300 + i)[0];
    std::vector<double> frame = {0, 0, 0, opening, 0, 0, opening, 0.1, 0, 0, 0.1, 0};
    turn(frame, 400 + 2 * i);
    frames.insert(frames.end(), frame.begin(), frame.end());
  }
  const AlignedCoordinates map = AlignedCoordinates::whitened(frames, 4);
  int n_small = 0;
  for (std::size_t k = 0; k < 6; ++k) {
    double square = 0;
    for (std::size_t i = 0; i < 12; ++i) square += std::pow(map.columns()[k * 12 + i], 2);
    n_small += std::abs(std::sqrt(square) - 1e-4) < 1e-10 ? 1 : 0;
  }
  EXPECT_EQ(n_small, 5);
}

TEST(AlignedCoordinates, GradientsAreThoseOfDifferences) {
  const AlignedCoordinates map = AlignedCoordinates::whitened(moving_frames(300), 5);
  const std::size_t n = 7, d = 9;
  std::vector<double> z = normals(d * n, 70), weights = normals(15 * n, 71), of_log_det = normals(n, 72),
                      gradient(d * n);
  const auto loss = [&](const std::vector<double>& at) {
    std::vector<double> positions(15 * n), log_det(n);
    map.to_cartesian(std::span<const double>(at), positions, log_det);
    double sum = 0;
    for (std::size_t i = 0; i < positions.size(); ++i) sum += weights[i] * positions[i];
    for (std::size_t i = 0; i < n; ++i) sum += of_log_det[i] * log_det[i];
    return sum;
  };
  map.to_cartesian_gradient(std::span<const double>(z), weights, of_log_det, std::span<double>(gradient));
  std::vector<float> gradient32(d * n);
  const std::vector<float> z32(z.begin(), z.end()), weights32(weights.begin(), weights.end());
  map.to_cartesian_gradient(std::span<const float>(z32), weights32, of_log_det, std::span<float>(gradient32));
  constexpr double step = 1e-5;
  for (std::size_t k = 0; k < z.size(); ++k) {
    const double at = z[k];
    z[k] = at + step;
    const double up = loss(z);
    z[k] = at - step;
    const double down = loss(z);
    z[k] = at;
    EXPECT_NEAR(gradient[k], (up - down) / (2 * step), 1e-8) << k;
    EXPECT_NEAR(gradient32[k], gradient[k], 1e-4) << k;
  }
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
  EXPECT_THROW(AlignedCoordinates::whitened(normals(15, 1), 5), InputError);  // one frame has no spread
  EXPECT_THROW(AlignedCoordinates::whitened(normals(31, 1), 5), InputError);
  EXPECT_THROW(AlignedCoordinates::whitened({}, 0), InputError);
}

TEST(AlignedCoordinates, RefuseColumnsThatAreNotABasis) {
  const std::vector<double> reference = normals(12, 2, 0.2);
  const AlignedCoordinates map(reference);
  const std::vector<double> good(map.columns().begin(), map.columns().end());
  EXPECT_NO_THROW(AlignedCoordinates(reference, good));
  EXPECT_THROW(AlignedCoordinates(reference, {good.begin(), good.end() - 1}), InputError);
  std::vector<double> zero = good, shifted = good, skew = good, not_a_number = good;
  for (std::size_t i = 0; i < 12; ++i) {
    zero[i] = 0;
    shifted[12 + i] += 0.01;
    skew[24 + i] += 0.01 * good[i];
  }
  not_a_number[5] = std::numeric_limits<double>::quiet_NaN();
  for (const auto& columns : {zero, shifted, skew, not_a_number})
    EXPECT_THROW(AlignedCoordinates(reference, columns), InputError);
}

}  // namespace
}  // namespace boltzflow
