// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/point_sets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow::transport {
namespace {

void require_finite(std::span<const float> points, std::size_t dimension, const char* set) {
  for (std::size_t i = 0; i < points.size(); ++i)
    if (!std::isfinite(points[i]))
      throw InputError(fmt::format("coordinate {} of {} point {} is {}; it must be finite", i % dimension, set,
                                   i / dimension, points[i]));
}

}  // namespace

CenteredPoints::CenteredPoints(std::span<const float> points_, std::size_t dimension_)
    : points(points_), n(points.size() / dimension_), dimension(dimension_), mean(dimension_), values(points.size()) {
  for (std::size_t i = 0; i < points.size(); ++i) mean[i % dimension] += points[i] / static_cast<double>(n);
  for (std::size_t i = 0; i < points.size(); ++i) values[i] = static_cast<float>(points[i] - mean[i % dimension]);
  for (std::size_t i = 0; i < n; ++i) largest_norm = std::max(largest_norm, std::sqrt(squared_norm(i)));
}

double CenteredPoints::squared_norm(std::size_t i) const {
  double sum = 0;
  for (std::size_t k = 0; k < dimension; ++k) {
    const double x = points[i * dimension + k] - mean[k];
    sum += x * x;
  }
  return sum;
}

double CenteredPoints::dot(std::size_t i, std::span<const double> direction) const {
  double sum = 0;
  for (std::size_t k = 0; k < dimension; ++k) sum += (points[i * dimension + k] - mean[k]) * direction[k];
  return sum;
}

std::vector<float> columns_of(const CenteredPoints& points, std::size_t stride) {
  std::vector<float> columns(points.dimension * stride);
  for (std::size_t j = 0; j < points.n; ++j)
    for (std::size_t k = 0; k < points.dimension; ++k)
      columns[k * stride + j] = points.values[j * points.dimension + k];
  return columns;
}

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
  std::vector<double> result(a.size());
  for (std::size_t k = 0; k < a.size(); ++k) result[k] = a[k] - b[k];
  return result;
}

double mean_squared_distance(std::span<const float> x, std::span<const float> y, std::size_t dimension,
                             std::span<const std::int32_t> target_of_source) {
  double sum = 0;
  for (std::size_t i = 0; i < target_of_source.size(); ++i) {
    const auto j = static_cast<std::size_t>(target_of_source[i]);
    for (std::size_t k = 0; k < dimension; ++k) {
      const double d = static_cast<double>(x[i * dimension + k]) - y[j * dimension + k];
      sum += d * d;
    }
  }
  return target_of_source.empty() ? 0 : sum / static_cast<double>(target_of_source.size());
}

void require_point_sets(std::span<const float> x, std::span<const float> y, std::size_t dimension) {
  if (dimension == 0 || x.size() != y.size() || x.size() % dimension != 0)
    throw InputError(fmt::format("{} and {} coordinates are no two equal sets of points in {} dimensions", x.size(),
                                 y.size(), dimension));
  if (x.size() / dimension > std::size_t{1} << 27)
    throw InputError(fmt::format("{} points were to be mapped; at most 2^27 are possible", x.size() / dimension));
  require_finite(x, dimension, "source");
  require_finite(y, dimension, "target");
}

}  // namespace boltzflow::transport
