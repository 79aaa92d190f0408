// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/torus_wasserstein.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/transport/linear_assignment.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

/// Angles in turns, in [0, 1].
std::vector<std::vector<float>> turns(std::span<const std::vector<double>> angles, std::size_t n) {
  std::vector<std::vector<float>> result;
  for (const std::vector<double>& column : angles) {
    if (column.size() != n)
      throw InputError(fmt::format("a column of {} angles does not go with one of {}", column.size(), n));
    std::vector<float>& to = result.emplace_back();
    for (const double angle : column) {
      if (!std::isfinite(angle))
        throw InputError(fmt::format("angle {} is {}; it must be finite", &angle - column.data(), angle));
      const double turn = angle / (2 * pi);
      to.push_back(static_cast<float>(turn - std::floor(turn)));
    }
  }
  return result;
}

}  // namespace

double torus_wasserstein(std::span<const std::vector<double>> a, std::span<const std::vector<double>> b) {
  if (a.empty() || a.size() != b.size() || a.front().empty())
    throw InputError(
        fmt::format("sets of points with {} and {} angles cannot be compared on a torus", a.size(), b.size()));
  const std::size_t n = a.front().size();
  const auto first = turns(a, n), second = turns(b, n);
  const auto assignment = linear_assignment(n, [&](std::size_t i, std::span<float> costs) {
    std::fill(costs.begin(), costs.end(), 0.0f);
    for (std::size_t k = 0; k < first.size(); ++k) {
      const float from = first[k][i];
      const float* to = second[k].data();
      for (std::size_t j = 0; j < n; ++j) {
        const float d = std::abs(from - to[j]), geodesic = std::min(d, 1.0f - d);
        costs[j] += geodesic * geodesic;
      }
    }
  });
  return 2 * pi * std::sqrt(assignment.cost / static_cast<double>(n));
}

}  // namespace boltzflow
