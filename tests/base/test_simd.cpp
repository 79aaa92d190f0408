// SPDX-License-Identifier: MIT
// The functions of base/simd/vector-inl.hpp under every instruction set the CPU has, against long double. The limits
// are what the comments in that header promise; BOLTZFLOW_TEST_PRINT_ERRORS=1 in the environment prints what is
// measured.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "base/simd_functions.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

using simd_test::Function;

std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets;
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (set <= best_instruction_set()) sets.push_back(set);
  return sets;
}

template <class Scalar>
std::vector<Scalar> evaluate(InstructionSet set, Function function, std::vector<Scalar> a, std::vector<Scalar> b = {}) {
  const std::size_t n = a.size(), padded = (n + 15) / 16 * 16;
  a.resize(padded, Scalar(0.5));
  b.resize(padded, Scalar(0.5));
  std::vector<Scalar> out(padded);
  const auto count = static_cast<std::int64_t>(padded);
  switch (set) {
    case InstructionSet::baseline:
      simd_test::baseline::evaluate(function, a.data(), b.data(), out.data(), count);
      break;
    case InstructionSet::avx2:
      simd_test::avx2::evaluate(function, a.data(), b.data(), out.data(), count);
      break;
    case InstructionSet::avx512:
      simd_test::avx512::evaluate(function, a.data(), b.data(), out.data(), count);
      break;
  }
  out.resize(n);
  return out;
}

struct Errors {
  double absolute = 0, relative = 0, ulp = 0;
};

template <class Scalar>
Errors errors_of(const std::vector<Scalar>& got, const std::vector<long double>& exact) {
  Errors e;
  const auto raise = [](double& largest, long double value) {
    if (!(value <= largest)) largest = static_cast<double>(value);
  };
  for (std::size_t i = 0; i < got.size(); ++i) {
    const long double difference = std::fabs(static_cast<long double>(got[i]) - exact[i]), size = std::fabs(exact[i]);
    raise(e.absolute, difference);
    if (size > 0) raise(e.relative, difference / size);
    const Scalar rounded = static_cast<Scalar>(size);
    raise(e.ulp, difference / (std::nextafter(rounded, std::numeric_limits<Scalar>::infinity()) - rounded));
  }
  return e;
}

void report(const char* name, InstructionSet set, const char* type, const Errors& e) {
  if (std::getenv("BOLTZFLOW_TEST_PRINT_ERRORS") != nullptr)
    std::printf("%-12s %-8s %-6s absolute %.2e relative %.2e ulp %.2f\n", name, name_of(set), type, e.absolute,
                e.relative, e.ulp);
}

template <class Scalar>
constexpr const char* type_name = sizeof(Scalar) == 4 ? "float" : "double";

/// Points spread evenly, and by magnitude, over [lower, upper], its ends and zero included where inside.
template <class Scalar>
std::vector<Scalar> points(double lower, double upper, std::uint64_t seed, std::size_t n = 100'000) {
  RandomStream random(seed);
  std::vector<Scalar> x{static_cast<Scalar>(lower), static_cast<Scalar>(upper)};
  const double size = std::max(std::abs(lower), std::abs(upper)), smallest = std::max(1e-30, lower);
  while (x.size() < n) {
    double value = lower + (upper - lower) * random.uniform();
    if (x.size() % 2 == 0) {
      value = std::exp(std::log(smallest) + (std::log(size) - std::log(smallest)) * random.uniform());
      if (lower < 0 && random.uniform() < 0.5) value = -value;
    }
    if (value >= lower && value <= upper) x.push_back(static_cast<Scalar>(value));
  }
  return x;
}

template <class Scalar, class Exact>
Errors measure(InstructionSet set, Function function, const char* name, const std::vector<Scalar>& x, Exact exact) {
  const auto got = evaluate(set, function, x);
  std::vector<long double> expected;
  for (const Scalar value : x) expected.push_back(exact(static_cast<long double>(value)));
  const Errors e = errors_of(got, expected);
  report(name, set, type_name<Scalar>, e);
  return e;
}

const long double two_pi = 2 * std::acos(-1.0L);

template <class Scalar>
class Simd : public testing::Test {
 protected:
  static constexpr bool single = sizeof(Scalar) == 4;
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Simd, Scalars);

TYPED_TEST(Simd, RootsAndReciprocal) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    const auto x = points<S>(1e-20, 1e20, 1);
    EXPECT_LE(measure(set, Function::sqrt, "sqrt", x, [](long double v) { return std::sqrt(v); }).ulp, 0.51);
    EXPECT_LE(measure(set, Function::rsqrt, "rsqrt", x, [](long double v) { return 1 / std::sqrt(v); }).relative,
              this->single ? 1.5e-7 : 2e-16);
    EXPECT_LE(measure(set, Function::reciprocal, "reciprocal", x, [](long double v) { return 1 / v; }).relative,
              this->single ? 1.2e-7 : 1.2e-16);
  }
}

TYPED_TEST(Simd, Exponential) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    const auto x = this->single ? points<S>(-87.3, 88.0, 2) : points<S>(-708, 709, 2);
    const Errors e = measure(set, Function::exp, "exp", x, [](long double v) { return std::exp(v); });
    if (this->single) {
      EXPECT_LE(e.ulp, 1.0);
    }
    EXPECT_LE(e.relative, this->single ? 1.2e-7 : 2.5e-16);
    const S infinity = std::numeric_limits<S>::infinity();
    const auto ends = evaluate<S>(set, Function::exp, {-infinity, infinity, S(-1e30), S(1e30)});
    for (const S value : ends) EXPECT_TRUE(std::isnormal(value));
  }
}

TYPED_TEST(Simd, Logarithm) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    const auto x = this->single ? points<S>(1.2e-38, 3e38, 3) : points<S>(1e-300, 1e300, 3);
    const Errors wide = measure(set, Function::log, "log", x, [](long double v) { return std::log(v); });
    const auto near_one = points<S>(0.5, 2.0, 4);
    const Errors near = measure(set, Function::log, "log near 1", near_one, [](long double v) { return std::log(v); });
    EXPECT_LE(std::max(wide.ulp, near.ulp), 1.0);
    EXPECT_LE(std::max(wide.relative, near.relative), this->single ? 1.2e-7 : 2e-16);
    EXPECT_EQ(evaluate<S>(set, Function::log, {S(1)})[0], S(0));
  }
}

TYPED_TEST(Simd, SineAndCosine) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    const double limit = this->single ? 1e4 : 1e6;
    for (const double range : {7.0, limit}) {
      const auto x = points<S>(-range, range, 5);
      EXPECT_LE(measure(set, Function::sin, "sin", x, [](long double v) { return std::sin(v); }).absolute,
                this->single ? 1e-7 : 2e-16);
      EXPECT_LE(measure(set, Function::cos, "cos", x, [](long double v) { return std::cos(v); }).absolute,
                this->single ? 1e-7 : 2e-16);
    }
    const auto turns = points<S>(-3, 3, 6);
    EXPECT_LE(measure(set, Function::sin_turns, "sin turns", turns, [](long double v) { return std::sin(two_pi * v); })
                  .absolute,
              this->single ? 1e-7 : 2e-16);
    EXPECT_LE(measure(set, Function::cos_turns, "cos turns", turns, [](long double v) { return std::cos(two_pi * v); })
                  .absolute,
              this->single ? 1e-7 : 2e-16);
    const auto sine = evaluate<S>(set, Function::sin_turns, {S(0), S(0.25), S(0.5), S(0.75), S(1), S(-2)});
    EXPECT_EQ(sine, (std::vector<S>{0, 1, 0, -1, 0, 0}));  // quarter turns are exact
  }
}

TYPED_TEST(Simd, InverseCosine) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    auto x = points<S>(-1, 1, 7);
    for (const S gap : points<S>(1e-7, 0.1, 8, 1000)) x.push_back(S(1) - gap), x.push_back(gap - S(1));
    const Errors e = measure(set, Function::acos, "acos", x, [](long double v) { return std::acos(v); });
    EXPECT_LE(e.absolute, this->single ? 3.5e-7 : 5e-16);
    std::vector<S> near_one;
    for (const S gap : points<S>(1e-7, 0.1, 8, 1000)) near_one.push_back(S(1) - gap);
    EXPECT_LE(
        measure(set, Function::acos, "acos near 1", near_one, [](long double v) { return std::acos(v); }).relative,
        this->single ? 1.5e-7 : 4e-16);
    const auto beyond = evaluate<S>(set, Function::acos, {S(1.5), S(-1.5), S(1), S(-1)});
    EXPECT_EQ(beyond[0], beyond[2]);
    EXPECT_EQ(beyond[1], beyond[3]);
    EXPECT_EQ(beyond[2], S(0));
  }
}

TYPED_TEST(Simd, InverseTangent) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    const auto y = points<S>(-10, 10, 9), x = points<S>(-10, 10, 10);
    const auto got = evaluate(set, Function::atan2, y, x);
    std::vector<long double> expected;
    for (std::size_t i = 0; i < x.size(); ++i)
      expected.push_back(std::atan2(static_cast<long double>(y[i]), static_cast<long double>(x[i])));
    const Errors e = errors_of(got, expected);
    report("atan2", set, type_name<S>, e);
    EXPECT_LE(e.absolute, this->single ? 3e-7 : 5e-16);
    const auto special = evaluate<S>(set, Function::atan2, {0, 0, 1, -1, 1, -1}, {0, -1, 0, 0, 1, -1});
    const S quarter = static_cast<S>(two_pi / 8);
    const std::vector<S> exact{0, 4 * quarter, 2 * quarter, -2 * quarter, quarter, -3 * quarter};
    for (std::size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(special[i], exact[i], this->single ? 3e-7 : 5e-16);
  }
}

TYPED_TEST(Simd, RoundingAndConversionAreExact) {
  using S = TypeParam;
  for (const auto set : instruction_sets()) {
    auto x = points<S>(-1e6, 1e6, 11, 10'000);
    for (const double v : {0.5, 1.5, 2.5, -0.5, -1.5, 0.0, -0.0, 0.49999997}) x.push_back(static_cast<S>(v));
    const auto floors = evaluate(set, Function::floor, x), rounds = evaluate(set, Function::round, x);
    const auto integers = evaluate(set, Function::to_integer, rounds);
    for (std::size_t i = 0; i < x.size(); ++i) {
      EXPECT_EQ(floors[i], std::floor(x[i]));
      EXPECT_EQ(rounds[i], std::nearbyint(x[i]));
      EXPECT_EQ(integers[i], rounds[i]);
    }
  }
}

TYPED_TEST(Simd, SelectionsAndSigns) {
  using S = TypeParam;
  const S nan = std::numeric_limits<S>::quiet_NaN(), infinity = std::numeric_limits<S>::infinity();
  const std::vector<S> a{1, -2, 3, nan, 5, infinity, -infinity, 0}, b{2, -3, 3, 4, nan, 1, 1, -S(0)};
  for (const auto set : instruction_sets()) {
    const auto low = evaluate(set, Function::min, a, b), high = evaluate(set, Function::max, a, b);
    EXPECT_EQ(low[0], 1);
    EXPECT_EQ(low[1], -3);
    EXPECT_EQ(high[0], 2);
    EXPECT_EQ(high[1], -2);
    EXPECT_EQ(low[3], 4);
    EXPECT_EQ(high[3], 4);  // NaN first: the other
    EXPECT_TRUE(std::isnan(low[4]) && std::isnan(high[4]));
    EXPECT_EQ(evaluate(set, Function::abs, a)[1], 2);
    const auto signs = evaluate(set, Function::copysign, a, b);
    EXPECT_EQ(signs[1], -2);
    EXPECT_TRUE(std::signbit(signs[7]));
    const auto chosen = evaluate(set, Function::select_less, a, b);
    EXPECT_EQ(chosen[0], 2);
    EXPECT_EQ(chosen[2], 9);
    EXPECT_EQ(evaluate(set, Function::is_finite, a), (std::vector<S>{1, 1, 1, 0, 1, 0, 0, 1}));
    const int lanes = (set == InstructionSet::avx512 ? 16
                       : set == InstructionSet::avx2 ? 8
                                                     : 4) /
                      (this->single ? 1 : 2);
    std::vector<S> counted(16);
    for (std::size_t i = 0; i < 16; ++i) counted[i] = static_cast<S>(i);
    EXPECT_EQ(evaluate(set, Function::sum, counted)[0], static_cast<S>(lanes * (lanes - 1) / 2));
  }
}

TEST(SimdLanes, EachInstructionSetHasItsOwnWidth) {
  EXPECT_EQ(simd_test::baseline::lanes_of_float(), 4);
  if (best_instruction_set() >= InstructionSet::avx2) {
    EXPECT_EQ(simd_test::avx2::lanes_of_float(), 8);
  }
  if (best_instruction_set() >= InstructionSet::avx512) {
    EXPECT_EQ(simd_test::avx512::lanes_of_float(), 16);
  }
}

}  // namespace
}  // namespace boltzflow
