// SPDX-License-Identifier: MIT
#include "boltzflow/flow/conditioner_elementwise.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::BOLTZFLOW_SIMD_TARGET {
namespace {

using Float = simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>;

void add_bias(float* y, const float* bias, int n_rows, int n_columns) {
  for (int row = 0; row < n_rows; ++row, y += n_columns) {
    for (int i = 0; i < n_columns; i += Float::count) Float::store(y + i, Float::load(y + i) + bias[row]);
  }
}

void add_bias_relu(float* y, const float* bias, int n_rows, int n_columns) {
  for (int row = 0; row < n_rows; ++row, y += n_columns) {
    for (int i = 0; i < n_columns; i += Float::count)
      Float::store(y + i, Float::max(Float::load(y + i) + bias[row], Float::set(0)));
  }
}

void relu_backward(float* g, const float* y, int n_rows, int n_columns) {
  const ptrdiff_t size = (ptrdiff_t)n_rows * n_columns;
  for (ptrdiff_t i = 0; i < size; i += Float::count)
    Float::store(g + i, Float::select(Float::load(y + i) > 0.0f, Float::load(g + i), Float::set(0)));
}

void sum_rows(const float* g, int n_rows, int n_columns, float* sums, bool overwrite) {
  for (int row = 0; row < n_rows; ++row, g += n_columns) {
    Float::Vector total = Float::set(0);
    for (int i = 0; i < n_columns; i += Float::count) total += Float::load(g + i);
    sums[row] = overwrite ? Float::sum(total) : sums[row] + Float::sum(total);
  }
}

void round_to_bfloat16(const float* x, ptrdiff_t n, uint16_t* rounded) {
  for (ptrdiff_t i = 0; i < n; ++i) {
    uint32_t bits;
    __builtin_memcpy(&bits, x + i, 4);
    const uint32_t nearest = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    const uint32_t nan = bits >> 16 | 0x40;  // rounding could turn a NaN into an infinity
    rounded[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? nan : nearest);
  }
}

}  // namespace

extern const ConditionerElementwise conditioner_elementwise;
const ConditionerElementwise conditioner_elementwise = {add_bias, add_bias_relu, relu_backward, sum_rows,
                                                        round_to_bfloat16};

}  // namespace boltzflow::BOLTZFLOW_SIMD_TARGET
