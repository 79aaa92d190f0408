// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/rigid_alignment.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "boltzflow/base/diagonalize.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

using Matrix4 = std::array<double, 16>;

std::array<double, 3> mean_of(std::span<const double> frame) {
  std::array<double, 3> mean{};
  for (std::size_t i = 0; i < frame.size(); ++i) mean[i % 3] += 3 * frame[i] / static_cast<double>(frame.size());
  return mean;
}

std::array<double, 4> leading_eigenvector(Matrix4 matrix) {
  Matrix4 vectors;
  diagonalize(matrix, vectors, 4);
  std::size_t best = 0;
  for (std::size_t i = 1; i < 4; ++i)
    if (matrix[5 * i] > matrix[5 * best]) best = i;
  return {vectors[best], vectors[4 + best], vectors[8 + best], vectors[12 + best]};
}

}  // namespace

Rotation rotation_of_quaternion(const std::array<double, 4>& quaternion) noexcept {
  const auto [w, x, y, z] = quaternion;
  return {{{w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)},
           {2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)},
           {2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z}}};
}

Rotation best_rotation(std::span<const double> frame, std::span<const double> reference) {
  if (frame.empty() || frame.size() != reference.size() || frame.size() % 3 != 0)
    throw InputError(fmt::format("alignment: a frame of {} coordinates on a reference of {}; give both the same atoms",
                                 frame.size(), reference.size()));
  const auto from = mean_of(frame), to = mean_of(reference);
  double s[3][3] = {};
  for (std::size_t i = 0; i < frame.size(); i += 3)
    for (std::size_t a = 0; a < 3; ++a)
      for (std::size_t b = 0; b < 3; ++b) s[a][b] += (frame[i + a] - from[a]) * (reference[i + b] - to[b]);
  const double wx = s[1][2] - s[2][1], wy = s[2][0] - s[0][2], wz = s[0][1] - s[1][0];
  const double xy = s[0][1] + s[1][0], xz = s[2][0] + s[0][2], yz = s[1][2] + s[2][1];
  const double xx = s[0][0], yy = s[1][1], zz = s[2][2];
  return rotation_of_quaternion(leading_eigenvector({xx + yy + zz, wx, wy, wz,  //
                                                     wx, xx - yy - zz, xy, xz,  //
                                                     wy, xy, yy - xx - zz, yz,  //
                                                     wz, xz, yz, zz - xx - yy}));
}

void align_frames(std::span<double> positions, std::span<const double> reference,
                  std::span<double> root_mean_square_deviation) {
  const std::size_t width = reference.size();
  if (width == 0 || width % 3 != 0 || positions.size() % width != 0 ||
      (!root_mean_square_deviation.empty() && root_mean_square_deviation.size() != positions.size() / width))
    throw InputError(
        fmt::format("alignment: {} coordinates and {} deviations are no frames of the reference's {} atoms",
                    positions.size(), root_mean_square_deviation.size(), width / 3));
  const auto to = mean_of(reference);
  parallel_for(static_cast<std::int64_t>(positions.size() / width), 16, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      const std::span<double> frame = positions.subspan(n * width, width);
      const Rotation rotation = best_rotation(frame, reference);
      const auto from = mean_of(frame);
      double sum = 0;
      for (std::size_t i = 0; i < width; i += 3) {
        const double centred[3] = {frame[i] - from[0], frame[i + 1] - from[1], frame[i + 2] - from[2]};
        for (std::size_t a = 0; a < 3; ++a) {
          frame[i + a] =
              to[a] + rotation[a][0] * centred[0] + rotation[a][1] * centred[1] + rotation[a][2] * centred[2];
          sum += (frame[i + a] - reference[i + a]) * (frame[i + a] - reference[i + a]);
        }
      }
      if (!root_mean_square_deviation.empty())
        root_mean_square_deviation[n] = std::sqrt(3 * sum / static_cast<double>(width));
    }
  });
}

}  // namespace boltzflow
