// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/box_coordinates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t grain = 64;  // samples
// Of a side: what x at a corner may be off by after a round trip through float64.
constexpr double forgiven = 1e-12;

void check_size(const char* what, std::size_t size, std::size_t expected) {
  if (size != expected)
    throw InputError(fmt::format("box coordinates: {} holds {} values where {} are expected", what, size, expected));
}

}  // namespace

BoxCoordinates::BoxCoordinates(std::vector<double> lower, std::vector<double> upper)
    : lower_(std::move(lower)), upper_(std::move(upper)) {
  if (lower_.empty() || lower_.size() != upper_.size())
    throw InputError(fmt::format("box coordinates: the corners have {} and {} dimensions; give both the target's",
                                 lower_.size(), upper_.size()));
  for (std::size_t k = 0; k < lower_.size(); ++k) {
    const double side = upper_[k] - lower_[k];
    if (!std::isfinite(side) || side <= 0)
      throw InputError(
          fmt::format("box coordinates: dimension {} goes from {:g} to {:g}; its end must lie above its "
                      "beginning, both finite",
                      k, lower_[k], upper_[k]));
    log_volume_ += std::log(side);
  }
}

template <class Scalar>
void BoxCoordinates::map_to_box(std::span<const Scalar> z, std::span<Scalar> x, std::span<double> log_det) const {
  const std::size_t n = log_det.size(), d = lower_.size();
  check_size("z", z.size(), n * d);
  check_size("x", x.size(), n * d);
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::size_t k = 0; k < d; ++k) {
      const double origin = lower_[k], side = upper_[k] - lower_[k];
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
        x[i * d + k] = static_cast<Scalar>(origin + side * std::clamp(static_cast<double>(z[k * n + i]), 0.0, 1.0));
    }
  });
  std::fill(log_det.begin(), log_det.end(), log_volume_);
}

void BoxCoordinates::to_cartesian(std::span<const float> z, std::span<float> x, std::span<double> log_det) const {
  map_to_box(z, x, log_det);
}
void BoxCoordinates::to_cartesian(std::span<const double> z, std::span<double> x, std::span<double> log_det) const {
  map_to_box(z, x, log_det);
}

template <class Scalar>
void BoxCoordinates::gradient_from(std::span<const Scalar> z, std::span<const Scalar> x_gradient,
                                   std::span<const double> log_det_gradient, std::span<Scalar> z_gradient) const {
  const std::size_t n = log_det_gradient.size(), d = lower_.size();
  check_size("z", z.size(), n * d);
  check_size("the gradient of x", x_gradient.size(), n * d);
  check_size("the gradient of z", z_gradient.size(), n * d);
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::size_t k = 0; k < d; ++k) {
      const auto side = static_cast<Scalar>(upper_[k] - lower_[k]);
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const bool clamped = z[k * n + i] < 0 || z[k * n + i] > 1;
        z_gradient[k * n + i] = clamped ? 0 : side * x_gradient[i * d + k];
      }
    }
  });
}

void BoxCoordinates::to_cartesian_gradient(std::span<const float> z, std::span<const float> x_gradient,
                                           std::span<const double> log_det_gradient,
                                           std::span<float> z_gradient) const {
  gradient_from(z, x_gradient, log_det_gradient, z_gradient);
}
void BoxCoordinates::to_cartesian_gradient(std::span<const double> z, std::span<const double> x_gradient,
                                           std::span<const double> log_det_gradient,
                                           std::span<double> z_gradient) const {
  gradient_from(z, x_gradient, log_det_gradient, z_gradient);
}

void BoxCoordinates::from_cartesian(std::span<const double> x, std::span<double> z, std::span<double> log_det,
                                    std::span<std::uint8_t> representable) const {
  const std::size_t n = log_det.size(), d = lower_.size();
  check_size("x", x.size(), n * d);
  check_size("z", z.size(), n * d);
  check_size("representable", representable.size(), n);
  std::fill(representable.begin(), representable.end(), std::uint8_t{1});
  std::fill(log_det.begin(), log_det.end(), log_volume_);
  parallel_for(static_cast<std::int64_t>(n), grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::size_t k = 0; k < d; ++k)
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        const double value = (x[i * d + k] - lower_[k]) / (upper_[k] - lower_[k]);
        if (!(value >= -forgiven && value <= 1 + forgiven)) representable[i] = 0;
        z[k * n + i] = std::isnan(value) ? 0 : std::clamp(value, 0.0, 1.0);
      }
  });
}

}  // namespace boltzflow
