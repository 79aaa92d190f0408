// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/near_columns.hpp"

#include <algorithm>
#include <limits>

namespace boltzflow::transport {
namespace {

constexpr std::size_t wanted_columns = 128;
constexpr std::size_t sample_size = 1024;

}  // namespace

NearColumns::NearColumns(const IntegerCosts& costs)
    : costs_(costs),
      lists_(costs.n, {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max(), {}}),
      found_(costs.stride) {}

std::int32_t NearColumns::limit_for(const std::int32_t* cost, std::span<const std::int32_t> dual) {
  const std::size_t step = costs_.n / sample_size + 1;
  sample_.clear();
  for (std::size_t j = 0; j < costs_.n; j += step) sample_.push_back(cost[j] - dual[j]);
  const std::size_t rank = std::min(sample_.size() - 1, wanted_columns / step);
  std::nth_element(sample_.begin(), sample_.begin() + static_cast<std::ptrdiff_t>(rank), sample_.end());
  return sample_[rank];
}

const std::vector<NearColumn>* NearColumns::below(std::int32_t row, std::int32_t limit, std::int32_t reach,
                                                  std::span<const std::int32_t> dual) {
  List& list = lists_[static_cast<std::size_t>(row)];
  if (limit <= list.limit) return &list.columns;
  if (limit >= list.too_wide) return nullptr;
  const std::int32_t* cost = costs_.row(static_cast<std::size_t>(row));
  const std::int32_t made_to = std::max(limit + reach / 4, limit_for(cost, dual));
  const auto count =
      columns_below_(cost, dual.data(), made_to, static_cast<std::int64_t>(costs_.stride), found_.data());
  if (static_cast<std::size_t>(count) > std::max(4 * wanted_columns, costs_.n / 16)) {
    list.too_wide = limit;
    return nullptr;
  }
  list.columns.clear();
  for (const std::int32_t j : std::span(found_).first(static_cast<std::size_t>(count)))
    list.columns.push_back({j, cost[j], cost[j] - dual[static_cast<std::size_t>(j)]});
  std::sort(list.columns.begin(), list.columns.end(),
            [](const NearColumn& a, const NearColumn& b) { return a.reduced_cost < b.reduced_cost; });
  list.limit = made_to;
  return &list.columns;
}

}  // namespace boltzflow::transport
