// SPDX-License-Identifier: MIT
#include "boltzflow/base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace boltzflow {
namespace {

using Block = std::array<std::uint32_t, 4>;

// The known-answer vectors of Philox4x32-10 published with Salmon2011's Random123.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}), (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, ContinuesExactlyFromItsPosition) {
  RandomStream random(7, 3);
  for (int k = 0; k < 23; ++k) {
    RandomStream restored(random.seed(), random.stream(), random.position());
    for (int i = 0; i < 9; ++i) {
      RandomStream copy = random;
      for (int j = 0; j < i; ++j) copy(), restored();
      EXPECT_EQ(copy(), restored());
      restored = RandomStream(random.seed(), random.stream(), random.position());
    }
    random();
  }
  RandomStream a(1), b(1);
  for (int i = 0; i < 5; ++i) a.normal();
  EXPECT_EQ(a.position(), 20u);  // four words each: two uniforms of 53 bits
  for (int i = 0; i < 20; ++i) b();
  EXPECT_EQ(a(), b());
}

TEST(RandomStream, UniformIsUniformAndOpen) {
  RandomStream random(11);
  constexpr int n = 1'000'000, n_bins = 100;
  std::vector<double> counts(n_bins, 0.0);
  double mean = 0, square = 0;
  for (int i = 0; i < n; ++i) {
    const double u = i % 2 == 0 ? random.uniform() : static_cast<double>(random.uniform_float());
    ASSERT_GT(u, 0.0);
    ASSERT_LT(u, 1.0);
    counts[static_cast<std::size_t>(u * n_bins)] += 1;
    mean += u / n, square += u * u / n;
  }
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - n / n_bins) * (count - n / n_bins) / (n / n_bins);
  EXPECT_LT(chi_square, 99 + 5 * std::sqrt(2 * 99.0));  // five standard deviations: false alarm below 1e-5, and seeded
  EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  EXPECT_NEAR(square, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
}

TEST(RandomStream, NormalHasItsMoments) {
  RandomStream random(12);
  constexpr int n = 400'000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.normal();
    m1 += x / n, m2 += x * x / n, m3 += x * x * x / n, m4 += x * x * x * x / n;
  }
  const double s = 5 / std::sqrt(n);  // five standard errors
  EXPECT_NEAR(m1, 0, s);
  EXPECT_NEAR(m2, 1, s * std::sqrt(2.0));
  EXPECT_NEAR(m3, 0, s * std::sqrt(15.0));
  EXPECT_NEAR(m4, 3, s * std::sqrt(96.0));
}

TEST(RandomStream, BelowIsUnbiasedAndInRange) {
  RandomStream random(13);
  constexpr int n = 60'000;
  std::vector<int> counts(6, 0);
  for (int i = 0; i < n; ++i) {
    const auto k = random.below(6);
    ASSERT_LT(k, 6u);
    ++counts[k];
  }
  for (const int count : counts) EXPECT_NEAR(count, n / 6, 5 * std::sqrt(n * 5 / 36.0));
  EXPECT_EQ(random.below(1), 0u);
  const std::uint64_t large = (std::uint64_t{1} << 63) + 1;  // every second draw is rejected
  for (int i = 0; i < 100; ++i) EXPECT_LT(random.below(large), large);
}

TEST(RandomStream, StreamsAndChildrenAreDifferentAndIndependent) {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed : {0, 1}) {
    for (std::uint64_t stream : {0, 1, 2}) {
      const RandomStream parent(seed, stream);
      RandomStream itself = parent;
      first.insert(std::uint64_t{itself()} << 32 | itself());
      for (std::uint64_t index = 0; index < 1000; ++index) {
        RandomStream child = parent.child(index);
        first.insert(std::uint64_t{child()} << 32 | child());
      }
    }
  }
  EXPECT_EQ(first.size(), 6u * 1001u);
  // A child is a function of the parent's identity, not of how far it was drawn.
  RandomStream drawn(5, 6);
  for (int i = 0; i < 10; ++i) drawn();
  EXPECT_EQ(drawn.child(3)(), RandomStream(5, 6).child(3)());
  // Neighbouring children do not correlate.
  const RandomStream parent(21);
  double correlation = 0;
  constexpr int n = 100'000;
  for (int i = 0; i < n; ++i)
    correlation += (parent.child(static_cast<std::uint64_t>(i)).uniform() - 0.5) *
                   (parent.child(static_cast<std::uint64_t>(i) + 1).uniform() - 0.5) * 12 / n;
  EXPECT_NEAR(correlation, 0, 5 / std::sqrt(n));
}

}  // namespace
}  // namespace boltzflow
