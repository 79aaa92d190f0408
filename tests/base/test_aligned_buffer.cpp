// SPDX-License-Identifier: MIT
#include "boltzflow/base/aligned_buffer.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace boltzflow {
namespace {

TEST(AlignedBuffer, IsAlignedZeroedAndMovable) {
  for (const std::size_t n : {1u, 7u, 64u, 1000u}) {
    AlignedBuffer<double> buffer(n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    for (const double value : buffer) EXPECT_EQ(value, 0.0);
    for (std::size_t i = 0; i < n; ++i) buffer[i] = static_cast<double>(i);
    const double* const data = buffer.data();
    AlignedBuffer<double> moved(std::move(buffer));
    EXPECT_EQ(moved.data(), data);
    EXPECT_EQ(moved.size(), n);
    EXPECT_EQ(moved[n - 1], static_cast<double>(n - 1));
    AlignedBuffer<double> other(3);
    other = std::move(moved);
    EXPECT_EQ(other.data(), data);
    EXPECT_EQ(other.size(), n);
  }
  const AlignedBuffer<float> empty, none(0);
  EXPECT_EQ(empty.size() + none.size(), 0u);
  EXPECT_EQ(empty.data(), nullptr);
}

}  // namespace
}  // namespace boltzflow
