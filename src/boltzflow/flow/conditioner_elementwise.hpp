// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

namespace boltzflow {

/// What a conditioner does between the products of a library, on row-major matrices [n_rows][n_columns], n_columns a
/// multiple of 16.
struct ConditionerElementwise {
  /// y += bias by rows.
  void (*add_bias)(float* y, const float* bias, int n_rows, int n_columns);
  /// y = max(y + bias, 0).
  void (*add_bias_relu)(float* y, const float* bias, int n_rows, int n_columns);
  /// g = 0 where y (what relu gave) is not positive.
  void (*relu_backward)(float* g, const float* y, int n_rows, int n_columns);
  /// sums[row] += the sum of the row, or = if overwrite.
  void (*sum_rows)(const float* g, int n_rows, int n_columns, float* sums, bool overwrite);
  /// Rounds n float32 values to bfloat16, to nearest even; n of any size.
  void (*round_to_bfloat16)(const float* x, std::ptrdiff_t n, std::uint16_t* rounded);
};

/// The functions for this CPU; see instruction_set().
const ConditionerElementwise& conditioner_elementwise();

namespace baseline {
extern const ConditionerElementwise conditioner_elementwise;
}
namespace avx2 {
extern const ConditionerElementwise conditioner_elementwise;
}
namespace avx512 {
extern const ConditionerElementwise conditioner_elementwise;
}

}  // namespace boltzflow
