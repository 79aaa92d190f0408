// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace boltzflow::transport {

/// Points minus their mean, rounded to float32 for the products of a whole set; norms and single products in float64
/// of the points as given, which must outlive this.
struct CenteredPoints {
  CenteredPoints(std::span<const float> points, std::size_t dimension);
  double squared_norm(std::size_t i) const;
  double dot(std::size_t i, std::span<const double> direction) const;

  std::span<const float> points;
  std::size_t n, dimension;
  std::vector<double> mean;   ///< [dimension]
  std::vector<float> values;  ///< [n, dimension]
  double largest_norm = 0;
};

/// [dimension, stride] the values as columns, zeros behind the last.
std::vector<float> columns_of(const CenteredPoints& points, std::size_t stride);

std::vector<double> difference(std::span<const double> a, std::span<const double> b);

/// 1/n sum_i |x_i - y_sigma(i)|^2; 0 for no points.
double mean_squared_distance(std::span<const float> x, std::span<const float> y, std::size_t dimension,
                             std::span<const std::int32_t> target_of_source);

/// @throws InputError if the sets differ in size, are no points of that dimension, too many, or not finite.
void require_point_sets(std::span<const float> x, std::span<const float> y, std::size_t dimension);

}  // namespace boltzflow::transport
