// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace boltzflow {

/// c [m][n] = op(a) [m][k] op(b) [k][n] (+ c, if accumulate), row-major, float32 sums. op transposes where asked: a is
/// then stored [k][m], b [n][k]. row_c is the distance of c's rows. One thread; see SerialOpenMP.
struct MatrixProduct {
  int m, n, k;
  bool transpose_a, transpose_b;
  bool accumulate;
  int row_c;
};
void multiply_float32(const MatrixProduct& product, const float* a, const float* b, float* c);
/// The same with bfloat16 factors. @throws UnavailableError unless library_has_bfloat16().
void multiply_bfloat16(const MatrixProduct& product, const std::uint16_t* a, const std::uint16_t* b, float* c);

/// Whether oneDNN multiplies bfloat16 matrices on this CPU (it needs AVX-512).
bool library_has_bfloat16() noexcept;

/// While this lives, OpenMP runs regions that this thread starts on this thread alone: oneDNN is built with OpenMP, and
/// our threads already share the work. Other threads, and this one afterwards, keep their setting.
class SerialOpenMP {
 public:
  SerialOpenMP() noexcept;
  ~SerialOpenMP();
  SerialOpenMP(const SerialOpenMP&) = delete;
  SerialOpenMP& operator=(const SerialOpenMP&) = delete;

 private:
  int saved_;
};

}  // namespace boltzflow
