// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace boltzflow {

/// Features of a time in [0, 1]: t itself and cos(pi k t), sin(pi k t) for k = 1 ... 8.
inline constexpr std::int64_t n_time_features = 17;

/// @param t [n, 1]. Returns [n, n_time_features], of t's type and device.
at::Tensor time_features(const at::Tensor& t);

}  // namespace boltzflow
