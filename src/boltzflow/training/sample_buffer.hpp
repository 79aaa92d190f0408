// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

namespace boltzflow {

/// Samples of a flow with their energies; the fresh ones of a step, or kept ones. Every sample in it is finite.
struct SampleBuffer {
  int dimension = 0;
  std::vector<float> z;                ///< [n, dimension], in [0, 1]
  std::vector<double> log_prob;        ///< [n] log q(x) with respect to the target's volume: log q(z) - log_det
  std::vector<double> log_det;         ///< [n] log|det dx/dz|
  std::vector<double> reduced_energy;  ///< [n] u(x), regularised
  std::vector<std::uint32_t> basins;   ///< [n] bit k: the sample lies in the target's k-th basin
  std::vector<float> score;            ///< [n, dimension] d(log_det - u)/dz, or empty
  std::int64_t n_drawn = 0;            ///< samples drawn for it; the rest was not finite and was dropped

  std::int64_t size() const noexcept { return static_cast<std::int64_t>(log_prob.size()); }
  const float* row(std::int64_t i) const noexcept { return z.data() + i * dimension; }
};

}  // namespace boltzflow
