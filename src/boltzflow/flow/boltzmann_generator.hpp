// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/flow/spline_flow.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This is a flow together with the coordinates that turn its samples into conformations and the molecule they belong
/// to: everything a model file holds, and everything `sample` needs.
class BoltzmannGenerator {
 public:
  BoltzmannGenerator(MolecularSystem system, double temperature, SplineFlowOptions options, std::uint64_t seed);

  const MolecularSystem& system() const noexcept { return system_; }
  const InternalCoordinates& coordinates() const noexcept { return coordinates_; }
  double temperature() const noexcept { return temperature_; }
  SplineFlow& flow() noexcept { return flow_; }
  const SplineFlow& flow() const noexcept { return flow_; }

  struct Sample {
    at::Tensor z;          ///< [n_samples, dimension] float32
    at::Tensor positions;  ///< [n_samples, n_atoms, 3] nm, float64
    at::Tensor
        log_prob;  ///< [n_samples] float64: log q(x) with respect to the Cartesian volume, log q(z) - log|det dx/dz|
    at::Tensor log_det;  ///< [n_samples] float64: log|det dx/dz|
  };
  Sample sample(std::int64_t n_samples, RandomStream& random, ConditionerPrecision precision) const;
  /// log q(x) of conformations [n_frames, n_atoms, 3] float64 nm; -inf for those z cannot represent.
  at::Tensor log_prob(const at::Tensor& positions, ConditionerPrecision precision) const;

  /// One file: architecture, weights, system, temperature, format version. Written atomically.
  void save(const std::filesystem::path& path) const;
  /// @throws InputError if the file is no model, is damaged, or was written by a newer version.
  static BoltzmannGenerator load(const std::filesystem::path& path);

 private:
  MolecularSystem system_;
  double temperature_;
  InternalCoordinates coordinates_;
  SplineFlow flow_;
};

}  // namespace boltzflow
