// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>

#include "boltzflow/coordinates/coordinate_map.hpp"
#include "boltzflow/flow/density.hpp"
#include "boltzflow/flow/flow_options.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This is a flow together with the coordinates that turn its samples into configurations and the system they belong
/// to: everything a model file holds, and everything `sample` needs.
class BoltzmannGenerator {
 public:
  /// @throws InputError, ConfigurationError as make_coordinates() and make_flow(), and for a temperature that is not
  ///         positive.
  BoltzmannGenerator(MolecularSystem system, double temperature, CoordinateOptions coordinates, FlowOptions flow,
                     std::uint64_t seed);

  const MolecularSystem& system() const noexcept { return system_; }
  const CoordinateMap& coordinates() const noexcept { return *coordinates_; }
  double temperature() const noexcept { return temperature_; }
  const CoordinateOptions& coordinate_options() const noexcept { return coordinate_options_; }
  const FlowOptions& flow_options() const noexcept { return flow_options_; }
  Density& flow() noexcept { return *flow_; }
  const Density& flow() const noexcept { return *flow_; }

  struct Sample {
    at::Tensor z;          ///< [n_samples, dimension] float32
    at::Tensor positions;  ///< [n_samples, configuration_size] nm, float64: [n_samples, n_atoms, 3] of molecules
    at::Tensor
        log_prob;  ///< [n_samples] float64: log q(x) with respect to the Cartesian volume, log q(z) - log|det dx/dz|
    at::Tensor log_det;  ///< [n_samples] float64: log|det dx/dz|
  };
  Sample sample(std::int64_t n_samples, RandomStream& random, ConditionerPrecision precision) const;
  /// log q(x) of configurations [n_frames, ...] float64 nm, configuration_size numbers a frame; -inf for those z cannot
  /// represent.
  at::Tensor log_prob(const at::Tensor& positions, ConditionerPrecision precision) const;

  /// One file: coordinates, architecture, weights, system, temperature, format version. Written atomically.
  void save(const std::filesystem::path& path) const;
  /// @throws InputError if the file is no model, is damaged, or was written by another version.
  static BoltzmannGenerator load(const std::filesystem::path& path);

 private:
  MolecularSystem system_;
  double temperature_;
  CoordinateOptions coordinate_options_;
  FlowOptions flow_options_;
  std::shared_ptr<const CoordinateMap> coordinates_;
  std::unique_ptr<Density> flow_;
};

}  // namespace boltzflow
