// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace boltzflow {

/// This is what a method trains on: an unnormalised density p~(x) = exp(-u(x)) seen through a map z -> x from the
/// flow's domain [0,1]^d. Molecules are one implementation (BoltzmannTarget), analytic test densities another.
class TargetDensity {
 public:
  virtual ~TargetDensity() = default;
  virtual int dimension() const = 0;
  /// One line that tells targets apart, so that a checkpoint is not resumed on another.
  virtual std::string description() const = 0;

  /// z [n_samples, dimension] -> log_det [n_samples] = log|det dx/dz|, reduced_energy [n_samples] (regularised, nats;
  /// NaN or infinite where there is none), basins [n_samples] (bit k set: inside basin k). Counts as n_samples
  /// evaluations. score [n_samples, dimension] = d(log_det - u)/dz, the gradient of the log-density in the flow's
  /// domain; empty: not wanted. Energy and forces together count as one evaluation.
  virtual void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                        std::span<std::uint32_t> basins, std::span<float> score) const = 0;

  /// Names of at most 32 sets of configurations whose weights are followed while training, fit for a column of a table.
  virtual std::vector<std::string> basin_names() const { return {}; }
};

}  // namespace boltzflow
