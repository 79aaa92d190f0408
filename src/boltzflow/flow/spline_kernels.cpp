// SPDX-License-Identifier: MIT
#include "boltzflow/flow/spline_kernels.hpp"

#include "boltzflow/base/instruction_set.hpp"

namespace boltzflow {

const SplineKernels& spline_kernels() {
  return *for_this_cpu(&baseline::spline_kernels, &avx2::spline_kernels, &avx512::spline_kernels);
}

}  // namespace boltzflow
