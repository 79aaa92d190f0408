// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/time_features.hpp"

#include <ATen/ATen.h>

#include <numbers>

namespace boltzflow {

at::Tensor time_features(const at::Tensor& t) {
  constexpr std::int64_t n_frequencies = (n_time_features - 1) / 2;
  const at::Tensor angle = t * (std::numbers::pi * at::arange(1, n_frequencies + 1, t.options()));
  return at::cat({t, angle.cos(), angle.sin()}, 1);
}

}  // namespace boltzflow
