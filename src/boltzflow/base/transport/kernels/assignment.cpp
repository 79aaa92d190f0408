// SPDX-License-Identifier: MIT
// The inner loops of the shortest-augmenting-path method over one row of integer costs. Every one is bound by the
// memory it reads, so each does all that it can in one pass.
#include "boltzflow/base/transport/kernels/assignment.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::transport::BOLTZFLOW_SIMD_TARGET {
namespace {

constexpr int lanes = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>::count;
using Integer = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>::Integer;
typedef int32_t Unaligned
    __attribute__((vector_size(simd::BOLTZFLOW_SIMD_TARGET::vector_bytes), aligned(4), may_alias));

BOLTZFLOW_INLINE Integer load(const int32_t* p) { return (Integer) * (const Unaligned*)p; }
BOLTZFLOW_INLINE void store(int32_t* p, Integer v) { *(Unaligned*)p = (Unaligned)v; }
BOLTZFLOW_INLINE Integer set(int32_t x) { return Integer{} + x; }

BOLTZFLOW_INLINE Integer lane_numbers() {
  Integer v{};
  for (int i = 0; i < lanes; ++i) v[i] = i;
  return v;
}

BOLTZFLOW_INLINE bool any(Integer mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_epi8((__m256i)mask) != 0;
#else
  return _mm_movemask_epi8((__m128i)mask) != 0;
#endif
}

/// The shortest over lanes, the lowest column among equals.
BOLTZFLOW_INLINE ShortestPath across(Integer length, Integer column) {
  ShortestPath best{length[0], column[0]};
  for (int i = 1; i < lanes; ++i)
    if (length[i] < best.length || (length[i] == best.length && column[i] < best.column)) best = {length[i], column[i]};
  return best;
}

}  // namespace

void lower_columns(const int32_t* cost, int32_t row, int64_t n, int32_t* minimum, int32_t* row_of_minimum) noexcept {
  for (int64_t j = 0; j < n; j += lanes) {
    const Integer c = load(cost + j), m = load(minimum + j);
    const Integer lower = c < m;
    if (!any(lower)) continue;
    store(minimum + j, lower ? c : m);
    store(row_of_minimum + j, lower ? set(row) : load(row_of_minimum + j));
  }
}

SmallestTwo smallest_two(const int32_t* cost, const int32_t* dual, int64_t n) noexcept {
  Integer first = set(INT32_MAX), second = first, first_column = set(0), second_column = first_column;
  Integer column = lane_numbers();
  for (int64_t j = 0; j < n; j += lanes, column += lanes) {
    const Integer reduced = load(cost + j) - load(dual + j);
    const Integer is_first = reduced < first, is_second = reduced < second;
    second = is_first ? first : is_second ? reduced : second;
    second_column = is_first ? first_column : is_second ? column : second_column;
    first = is_first ? reduced : first;
    first_column = is_first ? column : first_column;
  }
  SmallestTwo result{INT32_MAX, INT32_MAX, 0, 0};
  const auto take = [&](int32_t value, int32_t j) {
    if (value < result.smallest) {
      result = {value, result.smallest, j, result.column};
    } else if (value < result.second) {
      result.second = value;
      result.second_column = j;
    }
  };
  for (int i = 0; i < lanes; ++i) {
    take(first[i], first_column[i]);
    take(second[i], second_column[i]);
  }
  return result;
}

int64_t shorter_columns(const int32_t* cost, const int32_t* dual, const int32_t* length, int32_t offset, int32_t limit,
                        int64_t n, int32_t* columns) noexcept {
  int64_t count = 0;
  const Integer shift = set(offset), bound = set(limit);
  for (int64_t j = 0; j < n; j += lanes) {
    const Integer through = load(cost + j) - load(dual + j) - shift;
    const Integer known = load(length + j);
    const Integer shorter = (through < bound) & (through < known) & (known != settled);
    if (!any(shorter)) continue;
    for (int i = 0; i < lanes; ++i)
      if (shorter[i]) columns[count++] = static_cast<int32_t>(j) + i;
  }
  return count;
}

int64_t columns_below(const int32_t* cost, const int32_t* dual, int32_t limit, int64_t n, int32_t* columns) noexcept {
  int64_t count = 0;
  const Integer bound = set(limit);
  for (int64_t j = 0; j < n; j += lanes) {
    const Integer below = load(cost + j) - load(dual + j) < bound;
    if (!any(below)) continue;
    for (int i = 0; i < lanes; ++i)
      if (below[i]) columns[count++] = static_cast<int32_t>(j) + i;
  }
  return count;
}

ShortestPath relax(const int32_t* cost, const int32_t* dual, int32_t offset, int32_t row, int64_t n, int32_t* length,
                   int32_t* predecessor) noexcept {
  Integer best = set(settled), best_column = set(0), column = lane_numbers();
  const Integer shift = set(offset), this_row = set(row);
  for (int64_t j = 0; j < n; j += lanes, column += lanes) {
    Integer known = load(length + j);
    const Integer through = load(cost + j) - load(dual + j) - shift;
    const Integer shorter = (through < known) & (known != settled);
    if (any(shorter)) {
      known = shorter ? through : known;
      store(length + j, known);
      store(predecessor + j, shorter ? this_row : load(predecessor + j));
    }
    const Integer better = known < best;
    best = better ? known : best;
    best_column = better ? column : best_column;
  }
  return across(best, best_column);
}

ShortestPath shortest_path(const int32_t* length, int64_t n) noexcept {
  Integer best = set(settled), best_column = set(0), column = lane_numbers();
  for (int64_t j = 0; j < n; j += lanes, column += lanes) {
    const Integer known = load(length + j), better = known < best;
    best = better ? known : best;
    best_column = better ? column : best_column;
  }
  return across(best, best_column);
}

void negative_products(const float* x, int64_t n_rows, const float* y, int64_t dimension, int64_t n,
                       float* out) noexcept {
  using L = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>;
  constexpr int rows = 4;  // held in registers: each value of y is then used four times
  const int64_t last_row = n_rows - 1;
  for (int64_t j = 0; j < n; j += column_group)
    for (int64_t r = 0; r < n_rows; r += rows) {
      constexpr int vectors = column_group / lanes;
      L::Vector sum[rows][vectors] = {};
      const float* of[rows];
      for (int i = 0; i < rows; ++i) of[i] = x + (r + i < last_row ? r + i : last_row) * dimension;
      for (int64_t k = 0; k < dimension; ++k)
        for (int v = 0; v < vectors; ++v) {
          const L::Vector column = L::load(y + k * n + j + v * lanes);
          for (int i = 0; i < rows; ++i) sum[i][v] -= of[i][k] * column;
        }
      for (int i = 0; i < rows && r + i < n_rows; ++i)
        for (int v = 0; v < vectors; ++v) L::store(out + (r + i) * n + j + v * lanes, sum[i][v]);
    }
}

}  // namespace boltzflow::transport::BOLTZFLOW_SIMD_TARGET
