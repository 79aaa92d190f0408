// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/block_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/transport/kernels/assignment.hpp"
#include "boltzflow/base/transport/optimal_transport.hpp"
#include "boltzflow/base/transport/point_sets.hpp"

namespace boltzflow {
namespace {

using Indices = std::vector<std::int32_t>;

class BlockSolver {
 public:
  BlockSolver(std::span<const float> x, std::span<const float> y, std::size_t dimension, std::size_t block_size)
      : x_(x), y_(y), dimension_(dimension), n_(x.size() / dimension) {
    n_blocks_ = (n_ + block_size - 1) / block_size;
    target_of_source_.resize(n_);
    target_potential_.resize(n_);
    block_of_target_.resize(n_);
  }

  /// Both sets in the order of their projections on one direction: the best map along that direction, in blocks.
  void solve_first(RandomStream random) {
    const std::vector<double> direction = random_direction(dimension_, random);
    solve(order_by(projections(x_, direction)), order_by(projections(y_, direction)));
  }

  /// Pairs in the order of a projection of both their ends.
  void solve_again(RandomStream random) {
    const std::vector<double> of_source = random_direction(dimension_, random);
    const std::vector<double> of_target = random_direction(dimension_, random);
    std::vector<double> place = projections(x_, of_source);
    const std::vector<double> target_place = projections(y_, of_target);
    for (std::size_t i = 0; i < n_; ++i) place[i] += target_place[static_cast<std::size_t>(target_of_source_[i])];
    const Indices sources = order_by(place);
    Indices targets;
    for (const std::int32_t i : sources) targets.push_back(target_of_source_[static_cast<std::size_t>(i)]);
    solve(sources, targets);
  }

  double mean_squared_distance() const {
    return transport::mean_squared_distance(x_, y_, dimension_, target_of_source_);
  }
  const Indices& target_of_source() const { return target_of_source_; }

  /// Estimates sum_i min_j (c_ij - g_j) / n + sum_j g_j / n from some sources; all of them where there are few.
  std::pair<double, double> lower_bound(std::size_t n_points, RandomStream random) {
    std::vector<std::size_t> source(n_);
    std::iota(source.begin(), source.end(), std::size_t{0});
    const bool all = n_points >= n_ / 2;
    for (std::size_t i = 0; !all && i < 2 * n_points; ++i) std::swap(source[i], source[i + random.below(n_ - i)]);
    // Constants that were chosen for some sources look too good on the same ones.
    const auto for_levels = std::span(source).first(all ? n_ : n_points);
    const auto for_bound = all ? std::span(source) : std::span(source).subspan(n_points, n_points);
    level_blocks(for_levels);
    const auto least = least_by_block(for_bound);
    const auto n = static_cast<double>(least.size());
    double mean = 0, squares = 0, potential = 0;
    std::vector<double> nearest;
    for (const auto& row : least) nearest.push_back(*std::min_element(row.begin(), row.end()));
    for (const double f : nearest) mean += f / n;
    for (const double f : nearest) squares += (f - mean) * (f - mean);
    for (const double g : target_potential_) potential += g / static_cast<double>(n_);
    return {mean + potential, all ? 0 : std::sqrt(squares / (n - 1) / n)};
  }

 private:
  static std::vector<double> random_direction(std::size_t dimension, RandomStream& random) {
    std::vector<double> direction(dimension);
    for (double& d : direction) d = random.normal();
    return direction;
  }

  std::vector<double> projections(std::span<const float> points, std::span<const double> direction) const {
    std::vector<double> result(n_);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t k = 0; k < dimension_; ++k) result[i] += points[i * dimension_ + k] * direction[k];
    return result;
  }

  static Indices order_by(const std::vector<double>& place) {
    Indices order(place.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return place[static_cast<std::size_t>(a)] != place[static_cast<std::size_t>(b)]
                 ? place[static_cast<std::size_t>(a)] < place[static_cast<std::size_t>(b)]
                 : a < b;
    });
    return order;
  }

  std::vector<float> gathered(std::span<const float> points, std::span<const std::int32_t> indices) const {
    std::vector<float> result;
    result.reserve(indices.size() * dimension_);
    for (const std::int32_t i : indices) {
      const auto point = points.subspan(static_cast<std::size_t>(i) * dimension_, dimension_);
      result.insert(result.end(), point.begin(), point.end());
    }
    return result;
  }

  void solve(const Indices& sources, const Indices& targets) {
    for (std::size_t block = 0; block < n_blocks_; ++block) {
      const std::size_t begin = n_ * block / n_blocks_, end = n_ * (block + 1) / n_blocks_;
      const auto from = std::span(sources).subspan(begin, end - begin),
                 to = std::span(targets).subspan(begin, end - begin);
      const OptimalTransport best = optimal_transport(gathered(x_, from), gathered(y_, to), dimension_);
      for (std::size_t i = 0; i < from.size(); ++i) {
        const auto local = static_cast<std::size_t>(best.target_of_source[i]);
        target_of_source_[static_cast<std::size_t>(from[i])] = to[local];
        const auto target = static_cast<std::size_t>(to[i]);
        target_potential_[target] = best.target_potential[i];
        block_of_target_[target] = block;
      }
    }
  }

  /// Row by row for every given source i: min over the targets j of each block of |x_i - y_j|^2 - g_j.
  std::vector<std::vector<double>> least_by_block(std::span<const std::size_t> sources) const {
    const auto products = for_this_cpu(&transport::baseline::negative_products, &transport::avx2::negative_products,
                                       &transport::avx512::negative_products);
    const transport::CenteredPoints from(x_, dimension_), to(y_, dimension_);
    const auto shift = transport::difference(from.mean, to.mean);
    const double shift_squared = std::inner_product(shift.begin(), shift.end(), shift.begin(), 0.0);
    const std::size_t stride = (n_ + transport::column_group - 1) / transport::column_group * transport::column_group;
    const std::vector<float> columns = transport::columns_of(to, stride);
    std::vector<double> of_target(n_);  // |x - y|^2 = -2 <x', y'> + a term of x + a term of y, see optimal_transport()
    for (std::size_t j = 0; j < n_; ++j)
      of_target[j] = to.squared_norm(j) - 2 * to.dot(j, shift) + shift_squared - target_potential_[j];
    std::vector<std::vector<double>> least(sources.size());
    constexpr std::size_t rows = 4;
    parallel_for(static_cast<std::int64_t>(sources.size()), rows, [&](std::int64_t begin, std::int64_t end, int) {
      std::vector<float> product(rows * stride), points(rows * dimension_);
      for (auto first = static_cast<std::size_t>(begin); first < static_cast<std::size_t>(end); first += rows) {
        const std::size_t n_rows = std::min(rows, static_cast<std::size_t>(end) - first);
        for (std::size_t r = 0; r < n_rows; ++r)
          std::copy_n(&from.values[sources[first + r] * dimension_], dimension_, &points[r * dimension_]);
        products(points.data(), static_cast<std::int64_t>(n_rows), columns.data(),
                 static_cast<std::int64_t>(dimension_), static_cast<std::int64_t>(stride), product.data());
        for (std::size_t r = 0; r < n_rows; ++r) {
          const std::size_t i = sources[first + r];
          const double of_source = from.squared_norm(i) + 2 * from.dot(i, shift);
          auto& row = least[first + r];
          row.assign(n_blocks_, std::numeric_limits<double>::infinity());
          for (std::size_t j = 0; j < n_; ++j) {
            double& block = row[block_of_target_[j]];
            block = std::min(block, of_source + of_target[j] + 2 * static_cast<double>(product[r * stride + j]));
          }
        }
      }
    });
    return least;
  }

  /// Potentials of different blocks are known up to a constant each. Those constants are chosen by the ascent of the
  /// (concave) bound itself: a block that is the nearest to more sources than it has targets is moved away.
  void level_blocks(std::span<const std::size_t> sources) {
    if (n_blocks_ == 1) return;
    const auto least = least_by_block(sources);
    std::vector<double> shift(n_blocks_), best_shift = shift, size(n_blocks_);
    for (const std::size_t block : block_of_target_) size[block] += 1 / static_cast<double>(n_);
    double best = -std::numeric_limits<double>::infinity(), spread = 0;
    for (const auto& row : least)
      spread = std::max(spread, *std::max_element(row.begin(), row.end()) - *std::min_element(row.begin(), row.end()));
    for (int step = 0; step < 300; ++step) {
      std::vector<double> wanted(n_blocks_);
      double bound = 0;
      for (const auto& row : least) {
        std::size_t nearest = 0;
        for (std::size_t block = 1; block < n_blocks_; ++block)
          if (row[block] - shift[block] < row[nearest] - shift[nearest]) nearest = block;
        bound += (row[nearest] - shift[nearest]) / static_cast<double>(least.size());
        wanted[nearest] += 1 / static_cast<double>(least.size());
      }
      for (std::size_t block = 0; block < n_blocks_; ++block) bound += shift[block] * size[block];
      if (bound > best) best = bound, best_shift = shift;
      for (std::size_t block = 0; block < n_blocks_; ++block)
        shift[block] -= spread / (1 + step) * (wanted[block] - size[block]);
    }
    for (std::size_t j = 0; j < n_; ++j) target_potential_[j] += best_shift[block_of_target_[j]];
  }

  std::span<const float> x_, y_;
  std::size_t dimension_, n_, n_blocks_ = 0;
  Indices target_of_source_;
  std::vector<double> target_potential_;
  std::vector<std::size_t> block_of_target_;
};

}  // namespace

BlockTransport block_optimal_transport(std::span<const float> x, std::span<const float> y, std::size_t dimension,
                                       const BlockTransportOptions& options) {
  transport::require_point_sets(x, y, dimension);
  if (options.block_size == 0 || options.n_rounds < 0)
    throw InputError(fmt::format("blocks of {} points and {} rounds are no scheme of transport; use at least 1 and 0",
                                 options.block_size, options.n_rounds));
  BlockTransport result;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  result.lower_bound = result.lower_bound_error = unknown;
  const std::size_t n = x.size() / dimension;
  if (n == 0) return result;
  const RandomStream stream(options.seed, 0x6f74u);
  BlockSolver solver(x, y, dimension, options.block_size);
  solver.solve_first(stream.child(0));
  result.mean_squared_distance_by_round.push_back(solver.mean_squared_distance());
  for (int round = 0; round < options.n_rounds && n > options.block_size; ++round) {
    solver.solve_again(stream.child(static_cast<std::uint64_t>(round) + 1));
    result.mean_squared_distance_by_round.push_back(solver.mean_squared_distance());
  }
  result.target_of_source = solver.target_of_source();
  result.mean_squared_distance = result.mean_squared_distance_by_round.back();
  if (options.n_bound_points > 0)
    std::tie(result.lower_bound, result.lower_bound_error) =
        solver.lower_bound(options.n_bound_points, stream.child(1u << 30));
  return result;
}

}  // namespace boltzflow
