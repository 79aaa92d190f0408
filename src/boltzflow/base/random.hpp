// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstdint>
#include <span>

namespace boltzflow {

/// This is a counter-based random generator (Philox4x32-10): the n-th number of a stream is a pure function of
/// (seed, stream, n), so results do not depend on the number of threads, and a checkpoint holds three integers.
///
/// Streams with different (seed, stream) are independent. Satisfies UniformRandomBitGenerator.
/// @cite Salmon2011, "Parallel random numbers: as easy as 1, 2, 3", SC11.
class RandomStream {
 public:
  using result_type = std::uint32_t;
  explicit RandomStream(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t position = 0) noexcept;

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xffffffffu; }
  result_type operator()() noexcept;

  /// Uniform in the open interval (0, 1), 24 bits (float) or 53 bits (double).
  float uniform_float() noexcept;
  double uniform() noexcept;
  /// Standard normal by Box-Muller; consumes two uniforms a call, so positions stay simple.
  double normal() noexcept;
  /// Uniform integer in [0, n); n >= 1. Unbiased (Lemire's rejection).
  std::uint64_t below(std::uint64_t n) noexcept;

  /// The number of 32-bit words drawn so far; RandomStream(seed, stream, position) continues exactly here.
  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t stream() const noexcept { return stream_; }

  /// A child stream for item `index` (a sample, a replica, a step): independent of this one and of other indices.
  RandomStream child(std::uint64_t index) const noexcept;

 private:
  std::uint64_t seed_, stream_, position_;
  std::array<std::uint32_t, 4> block_{};
};

/// The Philox4x32-10 bijection itself: 128-bit counter, 64-bit key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) noexcept;

}  // namespace boltzflow
