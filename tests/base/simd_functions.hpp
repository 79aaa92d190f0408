// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace boltzflow::simd_test {

enum class Function {
  sqrt,
  rsqrt,
  reciprocal,
  floor,
  round,
  to_integer,
  exp,
  log,
  sin,
  cos,
  sin_turns,
  cos_turns,
  acos,
  atan2,
  min,
  max,
  abs,
  copysign,
  select_less,
  is_finite,
  sum
};

// out[i] = function(a[i], b[i]) for i < n, n a multiple of 16; sum: out[i] is the sum of the vector that holds a[i].
#define BOLTZFLOW_DECLARE_SIMD_TEST(target)                                                   \
  namespace target {                                                                          \
  void evaluate(Function function, const float* a, const float* b, float* out, int64_t n);    \
  void evaluate(Function function, const double* a, const double* b, double* out, int64_t n); \
  int lanes_of_float();                                                                       \
  }
BOLTZFLOW_DECLARE_SIMD_TEST(baseline)
BOLTZFLOW_DECLARE_SIMD_TEST(avx2)
BOLTZFLOW_DECLARE_SIMD_TEST(avx512)
#undef BOLTZFLOW_DECLARE_SIMD_TEST

}  // namespace boltzflow::simd_test
