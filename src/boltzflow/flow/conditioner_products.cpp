// SPDX-License-Identifier: MIT
// The products go through LibTorch rather than through a oneDNN of our own: LibTorch carries another version of oneDNN
// whose inline C++ symbols get mixed up with those of the system's library in one process (its sgemm then fails).
#include "boltzflow/flow/conditioner_products.hpp"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

namespace boltzflow {
namespace {

template <class Element>
at::Tensor matrix(const Element* data, int rows, int columns, bool transposed, at::ScalarType type) {
  auto* values = const_cast<Element*>(data);
  if (transposed) return at::from_blob(values, {rows, columns}, {1, rows}, at::TensorOptions(type));
  return at::from_blob(values, {rows, columns}, at::TensorOptions(type));
}

at::Tensor result(const MatrixProduct& p, float* c) {
  return at::from_blob(c, {p.m, p.n}, {p.row_c, 1}, at::TensorOptions(at::kFloat));
}

}  // namespace

void multiply_float32(const MatrixProduct& p, const float* a, const float* b, float* c) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const at::Tensor left = matrix(a, p.m, p.k, p.transpose_a, at::kFloat),
                   right = matrix(b, p.k, p.n, p.transpose_b, at::kFloat);
  at::Tensor to = result(p, c);
  if (p.accumulate)
    at::addmm_out(to, to, left, right);
  else
    at::mm_out(to, left, right);
}

void multiply_bfloat16(const MatrixProduct& p, const std::uint16_t* a, const std::uint16_t* b, float* c) {
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  const at::Tensor product =
      at::mm(matrix(a, p.m, p.k, p.transpose_a, at::kBFloat16), matrix(b, p.k, p.n, p.transpose_b, at::kBFloat16));
  at::Tensor to = result(p, c);
  if (p.accumulate)
    to.add_(product);
  else
    to.copy_(product);
}

bool has_bfloat16_products() noexcept { return __builtin_cpu_supports("avx512bf16") != 0; }

SerialProducts::SerialProducts() noexcept : saved_(at::get_num_threads()) {
  if (saved_ != 1) at::set_num_threads(1);
}
SerialProducts::~SerialProducts() {
  if (saved_ != 1) at::set_num_threads(saved_);
}

}  // namespace boltzflow
