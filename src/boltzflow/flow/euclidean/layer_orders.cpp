// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/layer_orders.hpp"

#include <algorithm>
#include <numeric>

#include "boltzflow/flow/euclidean/coupling_split.hpp"

namespace boltzflow {

std::vector<std::vector<std::int64_t>> layer_orders(std::int64_t n, const EuclideanFlowOptions& options) {
  std::vector<std::vector<std::int64_t>> orders;
  for (std::int64_t layer = 0; layer < options.n_layers; ++layer) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    if (options.masking == "random")
      order =
          random_permutation(n, static_cast<std::uint64_t>(options.mask_seed), static_cast<std::uint64_t>(layer / 2));
    if (layer % 2 == 1) std::ranges::reverse(order);
    orders.push_back(std::move(order));
  }
  return orders;
}

}  // namespace boltzflow
