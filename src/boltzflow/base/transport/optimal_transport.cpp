// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/optimal_transport.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/transport/kernels/assignment.hpp"
#include "boltzflow/base/transport/point_sets.hpp"
#include "boltzflow/base/transport/rounded_costs.hpp"
#include "boltzflow/base/transport/shortest_augmenting_paths.hpp"

namespace boltzflow {
namespace {

using transport::CenteredPoints;

void write_costs(const CenteredPoints& x, const CenteredPoints& y, const transport::RoundedCosts& rounded,
                 transport::IntegerCosts& costs) {
  const auto products = for_this_cpu(&transport::baseline::negative_products, &transport::avx2::negative_products,
                                     &transport::avx512::negative_products);
  const std::vector<float> columns = transport::columns_of(y, costs.stride);
  constexpr std::size_t rows = 16;
  parallel_for(static_cast<std::int64_t>(x.n), rows, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<float> block(rows * costs.stride);
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); i += rows) {
      const std::size_t n_rows = std::min(rows, static_cast<std::size_t>(end) - i);
      products(&x.values[i * x.dimension], static_cast<std::int64_t>(n_rows), columns.data(),
               static_cast<std::int64_t>(x.dimension), static_cast<std::int64_t>(costs.stride), block.data());
      for (std::size_t r = 0; r < n_rows; ++r)
        for (std::size_t j = 0; j < y.n; ++j)
          costs.row(i + r)[j] = rounded(static_cast<double>(block[r * costs.stride + j]));
    }
  });
}

}  // namespace

OptimalTransport optimal_transport(std::span<const float> x, std::span<const float> y, std::size_t dimension) {
  transport::require_point_sets(x, y, dimension);
  OptimalTransport result;
  const std::size_t n = x.size() / dimension;
  if (n == 0) return result;
  const CenteredPoints sources(x, dimension), targets(y, dimension);
  // |<x, y>| <= |x| |y|; the float sums behind it may pass that by their rounding.
  const double bound = sources.largest_norm * targets.largest_norm * (1 + 1e-5);
  const transport::RoundedCosts rounded(-bound, bound);
  transport::IntegerCosts costs(n);
  write_costs(sources, targets, rounded, costs);
  auto [target_of_source, column_dual] = transport::shortest_augmenting_paths(costs);
  result.target_of_source = std::move(target_of_source);
  // |x - y|^2 = |x'|^2 + |y'|^2 - 2 <x', y'> + 2 <shift, x' - y'> + |shift|^2 of the centred x', y', shift = mean x -
  // mean y. Products in float32 are off by a few units in the last place of |x| |y|.
  const auto shifted = transport::difference(sources.mean, targets.mean);
  for (std::size_t i = 0; i < n; ++i) {
    const auto j = static_cast<std::size_t>(result.target_of_source[i]);
    const double least_product = -bound + rounded.unit() * (costs.row(i)[j] - column_dual[j]);
    result.source_potential.push_back(sources.squared_norm(i) + 2 * sources.dot(i, shifted) + 2 * least_product);
  }
  double shift_squared = 0;
  for (const double s : shifted) shift_squared += s * s;
  for (std::size_t j = 0; j < n; ++j)
    result.target_potential.push_back(targets.squared_norm(j) - 2 * targets.dot(j, shifted) + shift_squared +
                                      2 * rounded.unit() * column_dual[j]);
  result.mean_squared_distance = transport::mean_squared_distance(x, y, dimension, result.target_of_source);
  // Half a unit of rounding, the worst case of a float32 sum of `dimension` products of rounded coordinates, and of
  // the float64 sums around them.
  const double float_error = 0.5 * std::numeric_limits<float>::epsilon() * (static_cast<double>(dimension) + 2);
  const double extent = sources.largest_norm + targets.largest_norm + std::sqrt(shift_squared);
  result.resolution = 2 * (0.5 * rounded.unit() + float_error * bound) + 1e-14 * extent * extent;
  return result;
}

}  // namespace boltzflow
