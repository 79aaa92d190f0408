// SPDX-License-Identifier: MIT
#include "boltzflow/base/transport/shortest_augmenting_paths.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <span>
#include <utility>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/transport/near_columns.hpp"

namespace boltzflow::transport {
namespace {

constexpr std::int32_t none = -1;
constexpr int row_reduction_passes = 2;

/// Jonker and Volgenant's three stages; their x is column_of_row, y row_of_column, v column_dual.
class Solver {
 public:
  explicit Solver(const IntegerCosts& costs)
      : costs_(costs),
        n_(static_cast<std::int32_t>(costs.n)),
        column_of_row_(costs.n, none),
        row_of_column_(costs.n, none),
        column_dual_(costs.stride),
        near_columns_(costs),
        length_(costs.stride, settled),
        predecessor_(costs.stride, none),
        shorter_(costs.stride) {
    std::fill(length_.begin(), length_.begin() + n_, unreached);
  }

  IntegerAssignment solve() {
    reduce_columns();
    for (int pass = 0; pass < row_reduction_passes; ++pass) reduce_rows();
    for (std::int32_t j = 0; j < n_; ++j)
      if (row_of_column_[j] == none) free_columns_.push_back(j);
    for (const std::int32_t row : free_rows_) augment(row);
    column_dual_.resize(costs_.n);
    return {std::move(column_of_row_), std::move(column_dual_)};
  }

 private:
  const std::int32_t* cost(std::int32_t row) const { return costs_.row(static_cast<std::size_t>(row)); }
  std::int64_t stride() const { return static_cast<std::int64_t>(costs_.stride); }

  /// v_j = min_i c_ij; the row of the minimum takes the column if it has none yet.
  void reduce_columns() {
    std::vector<std::int32_t> row_of_minimum(costs_.stride, 0), columns_won(costs_.n, 0);
    std::copy(cost(0), cost(0) + stride(), column_dual_.begin());
    for (std::int32_t i = 1; i < n_; ++i)
      lower_columns_(cost(i), i, stride(), column_dual_.data(), row_of_minimum.data());
    std::fill(column_dual_.begin() + n_, column_dual_.end(), 0);
    for (std::int32_t j = n_ - 1; j >= 0; --j) {
      const std::int32_t i = row_of_minimum[j];
      if (columns_won[i]++ == 0) assign(i, j);
    }
    for (std::int32_t i = 0; i < n_; ++i) {
      if (columns_won[i] == 0) free_rows_.push_back(i);
      if (columns_won[i] != 1 || n_ == 1) continue;
      // Reduction transfer: the dual of the row's only column takes what the row has to spare.
      const auto two = smallest_two_(cost(i), column_dual_.data(), stride());
      const std::int32_t j = column_of_row_[i];
      column_dual_[j] -= two.column == j ? two.second : two.smallest;
    }
  }

  /// Every free row takes its best column and lowers that column's dual until the second best is as good; a row that
  /// loses its column goes on at once. The guard ends rounds of ever smaller steps: the searches below finish those.
  void reduce_rows() {
    std::vector<std::int32_t> left;
    std::size_t next = 0;
    std::int64_t steps_to_go = 4 * std::int64_t{n_};
    while (next < free_rows_.size()) {
      const std::int32_t i = free_rows_[next++];
      const auto two = smallest_two_(cost(i), column_dual_.data(), stride());
      std::int32_t j = two.column, displaced = row_of_column_[j];
      const bool lowers = two.second > two.smallest;
      if (lowers) {
        column_dual_[j] -= two.second - two.smallest;
      } else if (displaced != none) {
        j = two.second_column;
        displaced = row_of_column_[j];
      }
      assign(i, j);
      if (displaced == none) continue;
      column_of_row_[displaced] = none;
      if (lowers && steps_to_go-- > 0)
        free_rows_[--next] = displaced;
      else
        left.push_back(displaced);
    }
    free_rows_ = std::move(left);
  }

  /// Dijkstra's search from a free row over alternating paths to the nearest free column, and the swap along the path.
  void augment(std::int32_t free_row) {
    search(free_row);
    for (const auto& [length, j] : settled_) column_dual_[j] -= shortest_ - length;
    std::int32_t j = end_, i = none;
    do {
      i = predecessor_[j];
      std::swap(column_of_row_[i], j);
      row_of_column_[column_of_row_[i]] = i;
    } while (i != free_row);
    free_columns_.erase(std::find(free_columns_.begin(), free_columns_.end(), end_));
    for (const std::int32_t touched : reached_) length_[touched] = unreached;
    if (dense_) std::fill(length_.begin(), length_.begin() + n_, unreached);
    reached_.clear();
    queue_.clear();
    settled_.clear();
  }

  /// Only what is nearer than the nearest free column known so far is ever looked at, from a queue; should that be a
  /// lot (points on a line are the worst case), dense passes over all columns cost less, and take over.
  void search(std::int32_t free_row) {
    const std::int32_t* c = cost(free_row);
    dense_ = false;
    end_ = none;
    shortest_ = unreached;
    n_queued_ = 0;
    for (const std::int32_t j : free_columns_)
      if (c[j] - column_dual_[j] < shortest_) reach(j, c[j] - column_dual_[j], free_row);
    relax(free_row, 0, 0);
    while (!queue_.empty() && queue_.front().first < shortest_) {
      if (n_queued_ > 2 * n_) return search_densely();
      const auto [length, j] = queue_.front();
      std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
      queue_.pop_back();
      if (length != length_[j]) continue;  // found nearer later on, and settled then
      const std::int32_t i = settle(length, j);
      relax(i, cost(i)[j] - column_dual_[j] - length, length);
    }
  }

  void search_densely() {
    dense_ = true;
    ShortestPath nearest = shortest_path_(length_.data(), stride());
    while (row_of_column_[nearest.column] != none) {
      const auto [length, j] = nearest;
      const std::int32_t i = settle(length, j), offset = cost(i)[j] - column_dual_[j] - length;
      nearest = relax_(cost(i), column_dual_.data(), offset, i, stride(), length_.data(), predecessor_.data());
    }
    shortest_ = nearest.length;
    end_ = nearest.column;
  }

  std::int32_t settle(std::int32_t length, std::int32_t column) {
    settled_.emplace_back(length, column);
    length_[column] = settled;
    return row_of_column_[column];
  }

  /// Looks for shorter ways through `row`: to column j of length c_j - v_j - offset.
  void relax(std::int32_t row, std::int32_t offset, std::int32_t length) {
    // shortest_ - length is how much farther the search may yet go.
    if (const auto* near_columns = near_columns_.below(row, shortest_ + offset, shortest_ - length, column_dual_)) {
      for (const NearColumn& near : *near_columns) {
        if (near.reduced_cost - offset >= shortest_) break;
        const std::int32_t through = near.cost - column_dual_[near.column] - offset;
        const std::int32_t known = length_[near.column];
        if (through < known && through < shortest_ && known != settled) reach(near.column, through, row);
      }
      return;
    }
    const std::int32_t* c = cost(row);
    const auto count =
        shorter_columns_(c, column_dual_.data(), length_.data(), offset, shortest_, stride(), shorter_.data());
    for (const std::int32_t j : std::span(shorter_).first(static_cast<std::size_t>(count)))
      if (const std::int32_t through = c[j] - column_dual_[j] - offset; through < shortest_) reach(j, through, row);
  }

  void reach(std::int32_t column, std::int32_t length, std::int32_t row) {
    if (length_[column] == unreached) reached_.push_back(column);
    length_[column] = length;
    predecessor_[column] = row;
    if (row_of_column_[column] == none) {
      shortest_ = length;
      end_ = column;
    } else {
      ++n_queued_;
      queue_.emplace_back(length, column);
      std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
    }
  }

  void assign(std::int32_t row, std::int32_t column) {
    column_of_row_[row] = column;
    row_of_column_[column] = row;
  }

  const IntegerCosts& costs_;
  const std::int32_t n_;
  std::vector<std::int32_t> column_of_row_, row_of_column_, column_dual_, free_rows_, free_columns_;
  NearColumns near_columns_;
  // Of the search under way: length_[j] is the least length found, `settled` once the search is done with j (or
  // padding).
  std::vector<std::int32_t> length_, predecessor_, reached_, shorter_;
  std::vector<std::pair<std::int32_t, std::int32_t>> queue_, settled_;  // (length, column)
  std::int32_t shortest_ = unreached, end_ = none;
  std::int64_t n_queued_ = 0;
  bool dense_ = false;
  decltype(&baseline::lower_columns) lower_columns_ =
      for_this_cpu(&baseline::lower_columns, &avx2::lower_columns, &avx512::lower_columns);
  decltype(&baseline::shorter_columns) shorter_columns_ =
      for_this_cpu(&baseline::shorter_columns, &avx2::shorter_columns, &avx512::shorter_columns);
  decltype(&baseline::relax) relax_ = for_this_cpu(&baseline::relax, &avx2::relax, &avx512::relax);
  decltype(&baseline::shortest_path) shortest_path_ =
      for_this_cpu(&baseline::shortest_path, &avx2::shortest_path, &avx512::shortest_path);
  decltype(&baseline::smallest_two) smallest_two_ =
      for_this_cpu(&baseline::smallest_two, &avx2::smallest_two, &avx512::smallest_two);
};

}  // namespace

IntegerCosts::IntegerCosts(std::size_t n_)
    : n(n_),
      stride((n_ + column_group - 1) / column_group * static_cast<std::size_t>(column_group)),
      values(n * stride) {
  for (std::size_t i = 0; i < n; ++i) std::fill(row(i) + n, row(i) + stride, padding_cost);
}

IntegerAssignment shortest_augmenting_paths(const IntegerCosts& costs) {
  return costs.n == 0 ? IntegerAssignment{} : Solver(costs).solve();
}

}  // namespace boltzflow::transport
