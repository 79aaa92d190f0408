// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

namespace boltzflow {

/// The flow's base density on [0,1]^d: uniform in circular dimensions, in the others a normal with mean 0.5 and
/// standard deviation 0.1 truncated to [0,1] (at 5 standard deviations) and normalised there.
class BaseDensity {
 public:
  static constexpr double mean = 0.5, standard_deviation = 0.1;

  /// @param circular one entry per dimension, not 0: a circle.
  explicit BaseDensity(const std::vector<unsigned char>& circular);

  int dimension() const noexcept { return static_cast<int>(circular_.size()); }

  /// Samples first .. first + n - 1 of the endless set that `key` names, x [n][dimension], by inverse CDF: coordinate j
  /// of sample i is a function of word j of RandomStream(key, i) alone. Threaded; 32-bit uniforms, so that tails are
  /// resolved to their truncation. Intervals get values strictly inside (0,1), circles in [0,1).
  void sample(std::uint64_t key, std::int64_t first, std::int64_t n, float* x) const;

  /// log_prob [n] of x [n][dimension] in [0,1]; sums in float64. Threaded.
  void log_prob(const float* x, std::int64_t n, double* log_prob) const;

  /// log of the density's constant factor: the log_prob of a point at the mean.
  double log_normalization() const noexcept { return log_normalization_; }

 private:
  std::vector<unsigned char> circular_;
  std::vector<std::int32_t> circular_mask_;  ///< -1 or 0, padded to a multiple of 16
  std::vector<float> precision_;             ///< 1 / standard_deviation^2, 0 for circles
  double log_normalization_;
};

/// Turns random words into base samples: x[i] uniform where mask[i] = -1, truncated normal where 0. n is a multiple
/// of 16. The normal quantile is Wichura's PPND7 (1988, algorithm AS 241), |error| <= 1e-6 standard deviations
/// (tests/flow).
namespace baseline {
void base_samples_from_words(const std::uint32_t* words, const std::int32_t* mask, float* x, std::int64_t n);
}
namespace avx2 {
void base_samples_from_words(const std::uint32_t* words, const std::int32_t* mask, float* x, std::int64_t n);
}
namespace avx512 {
void base_samples_from_words(const std::uint32_t* words, const std::int32_t* mask, float* x, std::int64_t n);
}

}  // namespace boltzflow
