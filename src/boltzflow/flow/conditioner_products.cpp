// SPDX-License-Identifier: MIT
#include "boltzflow/flow/conditioner_products.hpp"

#include <omp.h>
#include <dnnl.hpp>

#include <map>
#include <tuple>
#include <unordered_map>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::memory::desc factor(int rows, int columns, bool transposed) {
  using Tag = dnnl::memory::format_tag;
  return {{rows, columns}, dnnl::memory::data_type::bf16, transposed ? Tag::ba : Tag::ab};
}

struct PreparedProduct {
  dnnl::matmul primitive;
  dnnl::memory a, b, c;
};

PreparedProduct prepare_bfloat16(const MatrixProduct& p) {
  const auto a = factor(p.m, p.k, p.transpose_a), b = factor(p.k, p.n, p.transpose_b);
  const dnnl::memory::desc c({p.m, p.n}, dnnl::memory::data_type::f32, dnnl::memory::dims{p.row_c, 1});
  dnnl::primitive_attr attributes;
  if (p.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  auto& engine = cpu_engine();
  const dnnl::matmul::primitive_desc description(dnnl::matmul::desc(a, b, c), attributes, engine);
  return {dnnl::matmul(description), dnnl::memory(a, engine, nullptr), dnnl::memory(b, engine, nullptr),
          dnnl::memory(c, engine, nullptr)};
}

}  // namespace

bool library_has_bfloat16() noexcept {
  static const bool available = [] {
    try {
      prepare_bfloat16({32, 32, 32, false, false, false, 32});
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return available;
}

void multiply_float32(const MatrixProduct& p, const float* a, const float* b, float* c) {
  const auto status =
      dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1.0f, a,
                 p.transpose_a ? p.m : p.k, b, p.transpose_b ? p.k : p.n, p.accumulate ? 1.0f : 0.0f, c, p.row_c);
  if (status != dnnl_success) throw UnavailableError("oneDNN could not compute a float32 matrix product");
}

void multiply_bfloat16(const MatrixProduct& p, const std::uint16_t* a, const std::uint16_t* b, float* c) {
  if (!library_has_bfloat16()) throw UnavailableError("oneDNN has no bfloat16 matrix product for this CPU");
  using Key = std::tuple<int, int, int, bool, bool, bool, int>;
  thread_local std::map<Key, PreparedProduct> prepared;
  thread_local dnnl::stream stream(cpu_engine());
  const Key key{p.m, p.n, p.k, p.transpose_a, p.transpose_b, p.accumulate, p.row_c};
  auto found = prepared.find(key);
  if (found == prepared.end()) found = prepared.emplace(key, prepare_bfloat16(p)).first;
  auto& product = found->second;
  product.a.set_data_handle(const_cast<std::uint16_t*>(a));
  product.b.set_data_handle(const_cast<std::uint16_t*>(b));
  product.c.set_data_handle(c);
  product.primitive.execute(stream,
                            {{DNNL_ARG_SRC, product.a}, {DNNL_ARG_WEIGHTS, product.b}, {DNNL_ARG_DST, product.c}});
  stream.wait();
}

SerialOpenMP::SerialOpenMP() noexcept : saved_(omp_get_max_threads()) {
  if (saved_ != 1) omp_set_num_threads(1);
}
SerialOpenMP::~SerialOpenMP() {
  if (saved_ != 1) omp_set_num_threads(saved_);
}

}  // namespace boltzflow
