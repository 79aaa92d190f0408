// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace boltzflow {

/// Sums over samples with w = exp(a), a = exponent * inverse_scale, and l the centred log_prob.
struct DualSums {
  double weight = 0;          ///< sum w
  double weight_squared = 0;  ///< sum w^2
  double a = 0;               ///< sum w a
  double a_squared = 0;       ///< sum w a^2
  double l = 0;               ///< sum w l
  double l_squared = 0;       ///< sum w l^2
  double a_l = 0;             ///< sum w a l
};

// For each instruction set: the sums over n samples; exponent <= 0, both arrays finite.
namespace baseline {
DualSums dual_sums(const double* exponent, const double* log_prob, int64_t n, double inverse_scale) noexcept;
}
namespace avx2 {
DualSums dual_sums(const double* exponent, const double* log_prob, int64_t n, double inverse_scale) noexcept;
}
namespace avx512 {
DualSums dual_sums(const double* exponent, const double* log_prob, int64_t n, double inverse_scale) noexcept;
}

}  // namespace boltzflow
