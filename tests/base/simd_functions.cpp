// SPDX-License-Identifier: MIT
// Compiled once per instruction set, as kernels are.
#include "base/simd_functions.hpp"

#include "boltzflow/base/simd/vector-inl.hpp"

namespace boltzflow::simd_test::BOLTZFLOW_SIMD_TARGET {
namespace {

template <class L, class Apply>
BOLTZFLOW_INLINE void map(const typename L::Scalar* a, const typename L::Scalar* b, typename L::Scalar* out, int64_t n,
                          Apply apply) {
  for (int64_t i = 0; i < n; i += L::count) L::store(out + i, apply(L::load(a + i), L::load(b + i)));
}

template <class Scalar>
void run(Function function, const Scalar* a, const Scalar* b, Scalar* out, int64_t n) {
  using L = simd::BOLTZFLOW_SIMD_TARGET::Lanes<Scalar>;
  using V = typename L::Vector;
  switch (function) {
    case Function::sqrt:
      return map<L>(a, b, out, n, [](V x, V) { return L::sqrt(x); });
    case Function::rsqrt:
      return map<L>(a, b, out, n, [](V x, V) { return L::rsqrt(x); });
    case Function::reciprocal:
      return map<L>(a, b, out, n, [](V x, V) { return L::reciprocal(x); });
    case Function::floor:
      return map<L>(a, b, out, n, [](V x, V) { return L::floor(x); });
    case Function::round:
      return map<L>(a, b, out, n, [](V x, V) { return L::round(x); });
    case Function::to_integer:
      return map<L>(a, b, out, n, [](V x, V) { return L::to_vector(L::to_integer(x)); });
    case Function::exp:
      return map<L>(a, b, out, n, [](V x, V) { return L::exp(x); });
    case Function::log:
      return map<L>(a, b, out, n, [](V x, V) { return L::log(x); });
    case Function::sin:
      return map<L>(a, b, out, n, [](V x, V) {
        V s, c;
        L::sincos(x, s, c);
        return s;
      });
    case Function::cos:
      return map<L>(a, b, out, n, [](V x, V) {
        V s, c;
        L::sincos(x, s, c);
        return c;
      });
    case Function::sin_turns:
      return map<L>(a, b, out, n, [](V x, V) {
        V s, c;
        L::sincos_turns(x, s, c);
        return s;
      });
    case Function::cos_turns:
      return map<L>(a, b, out, n, [](V x, V) {
        V s, c;
        L::sincos_turns(x, s, c);
        return c;
      });
    case Function::acos:
      return map<L>(a, b, out, n, [](V x, V) { return L::acos(x); });
    case Function::atan2:
      return map<L>(a, b, out, n, [](V x, V y) { return L::atan2(x, y); });
    case Function::min:
      return map<L>(a, b, out, n, [](V x, V y) { return L::min(x, y); });
    case Function::max:
      return map<L>(a, b, out, n, [](V x, V y) { return L::max(x, y); });
    case Function::abs:
      return map<L>(a, b, out, n, [](V x, V) { return L::abs(x); });
    case Function::copysign:
      return map<L>(a, b, out, n, [](V x, V y) { return L::copysign(x, y); });
    case Function::select_less:
      return map<L>(a, b, out, n, [](V x, V y) { return L::select(x < y, x * 2, y * 3); });
    case Function::is_finite:
      return map<L>(a, b, out, n, [](V x, V) { return L::select(L::is_finite(x), L::set(1), L::set(0)); });
    case Function::sum:
      return map<L>(a, b, out, n, [](V x, V) { return L::set(L::sum(x)); });
  }
}

}  // namespace

void evaluate(Function function, const float* a, const float* b, float* out, int64_t n) { run(function, a, b, out, n); }
void evaluate(Function function, const double* a, const double* b, double* out, int64_t n) {
  run(function, a, b, out, n);
}
int lanes_of_float() { return simd::BOLTZFLOW_SIMD_TARGET::Lanes<float>::count; }

}  // namespace boltzflow::simd_test::BOLTZFLOW_SIMD_TARGET
