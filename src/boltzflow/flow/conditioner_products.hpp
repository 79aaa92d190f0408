// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace boltzflow {

/// c [m][n] = op(a) [m][k] op(b) [k][n] (+ c, if accumulate), row-major. op transposes where asked: a is then stored
/// [k][m], b [n][k]. row_c is the distance of c's rows. Computed by LibTorch's libraries (MKL, oneDNN) on the calling
/// thread, while a SerialProducts lives there.
struct MatrixProduct {
  int m, n, k;
  bool transpose_a, transpose_b;
  bool accumulate;
  int row_c;
};
void multiply_float32(const MatrixProduct& product, const float* a, const float* b, float* c);
/// The same with bfloat16 factors. The library rounds the product to bfloat16 before it is stored or added.
void multiply_bfloat16(const MatrixProduct& product, const std::uint16_t* a, const std::uint16_t* b, float* c);

/// Whether the CPU multiplies bfloat16 numbers in hardware; where not, float32 is faster.
bool has_bfloat16_products() noexcept;

/// While this lives, the libraries run products that this thread starts on this thread alone: our threads already share
/// the work. Other threads, and this one afterwards, keep their setting.
class SerialProducts {
 public:
  SerialProducts() noexcept;
  ~SerialProducts();
  SerialProducts(const SerialProducts&) = delete;
  SerialProducts& operator=(const SerialProducts&) = delete;

 private:
  int saved_;
};

}  // namespace boltzflow
