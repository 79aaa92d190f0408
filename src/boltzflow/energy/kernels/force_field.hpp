// SPDX-License-Identifier: MIT
#pragma once
#include <stdint.h>

#include "boltzflow/energy/force_field_tables.hpp"

namespace boltzflow::energy {

/// Bytes of scratch, on a 64-byte boundary, that one call of a kernel needs; every instruction set and precision.
inline constexpr int64_t force_field_workspace_bytes(int64_t n_atoms) {
  return 64 * (6 * n_atoms + 5 * n_atoms + 4 * (n_atoms * (n_atoms - 1) / 2));
}

// evaluate_force_field: positions [n_samples, n_atoms, 3] nm -> energy [n_samples] kJ/mol. gradient [n_samples,
// n_atoms, 3] and terms [n_samples, n_force_field_terms] may each be null, and one of them has to be; the float kernel
// knows no terms.
#define BOLTZFLOW_DECLARE_FORCE_FIELD(target)                                                                   \
  namespace target {                                                                                            \
  void evaluate_force_field(const ForceFieldTables<float>& tables, const float* positions, int64_t n_samples,   \
                            double* energy, float* gradient, double* terms, void* workspace) noexcept;          \
  void evaluate_force_field(const ForceFieldTables<double>& tables, const double* positions, int64_t n_samples, \
                            double* energy, double* gradient, double* terms, void* workspace) noexcept;         \
  }
BOLTZFLOW_DECLARE_FORCE_FIELD(baseline)
BOLTZFLOW_DECLARE_FORCE_FIELD(avx2)
BOLTZFLOW_DECLARE_FORCE_FIELD(avx512)
#undef BOLTZFLOW_DECLARE_FORCE_FIELD

}  // namespace boltzflow::energy
