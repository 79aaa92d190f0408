// SPDX-License-Identifier: MIT
#include "boltzflow/flow/coupling_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

void check(const std::vector<FlowDimension>& dimensions, const SplineFlowOptions& options) {
  const auto require = [](bool good, const std::string& message) {
    if (!good) throw InputError(message);
  };
  require(dimensions.size() >= 2,
          fmt::format("a coupling flow needs at least 2 dimensions, this one has {}", dimensions.size()));
  require(options.n_couplings >= 2 && options.n_couplings % 2 == 0 && options.n_couplings <= 1024,
          fmt::format("flow.n_couplings: {} is not an even number in [2, 1024]", options.n_couplings));
  require(options.n_bins >= 2 && options.n_bins <= 64,
          fmt::format("flow.n_bins: {} is not in [2, 64]", options.n_bins));
  require(options.hidden_width >= 1 && options.hidden_width <= 65536,
          fmt::format("flow.hidden_width: {} is not in [1, 65536]", options.hidden_width));
  require(options.n_hidden_layers >= 1 && options.n_hidden_layers <= 256,
          fmt::format("flow.n_hidden_layers: {} is not in [1, 256]", options.n_hidden_layers));
  require(options.minimum_bin_size >= 1e-6 && options.minimum_bin_size * options.n_bins <= 0.9,
          fmt::format("flow.minimum_bin_size: {} is not in [1e-6, 0.9 / n_bins = {}]", options.minimum_bin_size,
                      0.9 / options.n_bins));
  require(options.minimum_slope >= 1e-6 && options.minimum_slope < 1,
          fmt::format("flow.minimum_slope: {} is not in [1e-6, 1)", options.minimum_slope));
  require(options.masking == "random" || options.masking == "hierarchical",
          fmt::format("flow.masking: \"{}\" is neither \"random\" nor \"hierarchical\"", options.masking));
}

using Sides = std::vector<unsigned char>;  // per dimension, 0 or 1

/// Splits the dimensions of each group in half at random.
template <class Group>
Sides split_groups_in_half(const std::vector<FlowDimension>& dimensions, Group group_of, int pair,
                           RandomStream& random) {
  std::map<std::pair<int, int>, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < dimensions.size(); ++i) groups[group_of(dimensions[i])].push_back(i);
  Sides sides(dimensions.size(), 0);
  bool extra_to_first = pair % 2 == 1;
  for (auto& [key, members] : groups) {
    for (std::size_t i = members.size(); i > 1; --i) std::swap(members[i - 1], members[random.below(i)]);
    std::size_t first = members.size() / 2;
    if (members.size() % 2 == 1) {
      first += extra_to_first ? 1 : 0;
      extra_to_first = !extra_to_first;
    }
    for (std::size_t i = first; i < members.size(); ++i) sides[members[i]] = 1;
  }
  return sides;
}

std::vector<int> ranks_of_levels(const std::vector<FlowDimension>& dimensions, int& n_levels) {
  std::map<int, int> rank;
  for (const auto& dimension : dimensions) rank[dimension.level] = 0;
  n_levels = 0;
  for (auto& [level, r] : rank) r = n_levels++;
  std::vector<int> ranks;
  for (const auto& dimension : dimensions) ranks.push_back(rank[dimension.level]);
  return ranks;
}

Sides split_of_pair(const std::vector<FlowDimension>& dimensions, const SplineFlowOptions& options, int pair,
                    RandomStream& random) {
  if (options.masking == "random") {
    return split_groups_in_half(
        dimensions, [](const FlowDimension& d) { return std::pair(d.field, 0); }, pair, random);
  }
  int n_levels = 0;
  const std::vector<int> ranks = ranks_of_levels(dimensions, n_levels);
  const int n_scales = std::bit_width(static_cast<unsigned>(n_levels - 1)), kind = pair % (n_scales + 1);
  if (kind == n_scales) {
    return split_groups_in_half(
        dimensions, [](const FlowDimension& d) { return std::pair(d.level, d.field); }, pair, random);
  }
  Sides sides;
  for (const int rank : ranks) sides.push_back(static_cast<unsigned char>(rank >> kind & 1));
  return sides;
}

}  // namespace

std::vector<CouplingLayout> coupling_plan(const std::vector<FlowDimension>& dimensions,
                                          const SplineFlowOptions& options) {
  check(dimensions, options);
  CouplingLayout common;
  common.dimension = static_cast<int>(dimensions.size());
  common.n_bins = options.n_bins;
  common.hidden_width = options.hidden_width;
  common.n_hidden_layers = options.n_hidden_layers;
  common.minimum_bin_size = options.minimum_bin_size;
  common.minimum_slope = options.minimum_slope;
  for (const auto& dimension : dimensions) common.circular.push_back(dimension.circular ? 1 : 0);

  const RandomStream masks(options.mask_seed);
  const int n_pairs = options.n_couplings / 2;
  std::vector<CouplingLayout> plan;
  double shift_sum = 0;
  for (int pair = 0; pair < n_pairs; ++pair) {
    RandomStream random = masks.child(static_cast<std::uint64_t>(pair));
    const Sides sides = split_of_pair(dimensions, options, pair, random);
    for (const int half : {0, 1}) {
      CouplingLayout layer = common;
      for (int i = 0; i < common.dimension; ++i) {
        const bool transformed = (sides[static_cast<std::size_t>(i)] ^ half ^ (pair & 1)) != 0;
        (transformed ? layer.transformed : layer.conditioning).push_back(i);
      }
      plan.push_back(std::move(layer));
    }
    double shift = 0.1 + 0.8 * random.uniform();
    if (pair + 1 == n_pairs) shift = std::ceil(shift_sum) - shift_sum;
    shift_sum += shift;
    plan.back().circular_shift = shift;
  }
  return plan;
}

}  // namespace boltzflow
