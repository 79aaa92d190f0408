// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

namespace boltzflow {

/// What one Adam step multiplies with; the bias corrections are folded into the first two.
struct AdamCoefficients {
  float gradient_scale;             ///< of the gradient before anything else: gradient-norm clipping
  float step_size;                  ///< learning_rate / (1 - beta1^t)
  float inverse_second_correction;  ///< 1 / (1 - beta2^t)
  float beta1, beta2;
  float epsilon;
  float average_decay;  ///< of the running average of the parameters
  float shrinkage;      ///< 1 - learning_rate weight_decay
};

// For each instruction set:
// sum_of_squares: sum_i x_i^2 in one fixed order; infinite or NaN if an x is.
// adam_update: with g = gradient_scale gradient_i
//     m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
//     p <- shrinkage p - step_size m / (sqrt(v inverse_second_correction) + epsilon)
//     average <- average_decay average + (1 - average_decay) p        (where average is not null)
#define BOLTZFLOW_OPTIMIZER_KERNELS                                                                                    \
  double sum_of_squares(const float* x, int64_t n) noexcept;                                                           \
  void adam_update(float* parameter, float* first_moment, float* second_moment, float* average, const float* gradient, \
                   int64_t n, const AdamCoefficients& coefficients) noexcept;
namespace baseline {
BOLTZFLOW_OPTIMIZER_KERNELS
}
namespace avx2 {
BOLTZFLOW_OPTIMIZER_KERNELS
}
namespace avx512 {
BOLTZFLOW_OPTIMIZER_KERNELS
}
#undef BOLTZFLOW_OPTIMIZER_KERNELS

}  // namespace boltzflow
