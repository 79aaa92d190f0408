// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

#include "boltzflow/coordinates/internal_coordinates_tables.hpp"

namespace boltzflow::coordinate_kernels {

/// Bytes of 64-byte aligned scratch memory that each of the kernels below needs.
template <class Scalar>
int64_t scratch_bytes(const InternalCoordinatesTable<Scalar>& table) {
  return 64 * (6 * int64_t{table.n_atoms} + 2 * int64_t{table.dimension} + 20 * int64_t{table.n_rows} + 32);
}

/// Samples [begin, end) of n_samples; arrays as in InternalCoordinates. begin is a multiple of 16.
template <class Scalar>
struct ToCartesianArguments {
  const InternalCoordinatesTable<Scalar>* table;
  int64_t n_samples;
  const Scalar* z;
  Scalar* positions;
  double* log_det;
};
template <class Scalar>
struct ToCartesianGradientArguments {
  const InternalCoordinatesTable<Scalar>* table;
  int64_t n_samples;
  const Scalar* z;
  const Scalar* positions_gradient;
  const double* log_det_gradient;
  Scalar* z_gradient;
};
template <class Scalar>
struct FromCartesianArguments {
  const InternalCoordinatesTable<Scalar>* table;
  int64_t n_samples;
  const Scalar* positions;
  Scalar* z;
  double* log_det;
  uint8_t* representable;
};
template <class Scalar>
struct FromCartesianGradientArguments {
  const InternalCoordinatesTable<Scalar>* table;
  int64_t n_samples;
  const Scalar* positions;
  const Scalar* z_gradient;
  const double* log_det_gradient;
  Scalar* positions_gradient;
};

#define BOLTZFLOW_DECLARE_COORDINATE_KERNELS(target)                                                                  \
  namespace target {                                                                                                  \
  void to_cartesian(const ToCartesianArguments<float>&, int64_t begin, int64_t end, void* scratch);                   \
  void to_cartesian(const ToCartesianArguments<double>&, int64_t begin, int64_t end, void* scratch);                  \
  void to_cartesian_gradient(const ToCartesianGradientArguments<float>&, int64_t begin, int64_t end, void* scratch);  \
  void to_cartesian_gradient(const ToCartesianGradientArguments<double>&, int64_t begin, int64_t end, void* scratch); \
  void from_cartesian(const FromCartesianArguments<float>&, int64_t begin, int64_t end, void* scratch);               \
  void from_cartesian(const FromCartesianArguments<double>&, int64_t begin, int64_t end, void* scratch);              \
  void from_cartesian_gradient(const FromCartesianGradientArguments<double>&, int64_t begin, int64_t end,             \
                               void* scratch);                                                                        \
  }
BOLTZFLOW_DECLARE_COORDINATE_KERNELS(baseline)
BOLTZFLOW_DECLARE_COORDINATE_KERNELS(avx2)
BOLTZFLOW_DECLARE_COORDINATE_KERNELS(avx512)
#undef BOLTZFLOW_DECLARE_COORDINATE_KERNELS

}  // namespace boltzflow::coordinate_kernels
