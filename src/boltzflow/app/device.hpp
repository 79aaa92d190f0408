// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace boltzflow {

/// Sets the number of threads of our kernels (0: one per core), and LibTorch's own to one.
void prepare_threads(int n_threads);

/// @throws UnavailableError if `device` is "cuda" and this build or this machine has none.
void check_device(const std::string& device);

}  // namespace boltzflow
