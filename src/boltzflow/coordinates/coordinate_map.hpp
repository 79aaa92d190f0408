// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace boltzflow {

/// This maps a flow's domain to configurations and back: internal coordinates of a molecule, scaled Cartesian
/// coordinates, or the box of a target without atoms.
///
/// z is feature-major, [dimension, n_samples]; positions are [n_samples, configuration_size()], nm for molecules
/// (configuration_size = 3 n_atoms). log_det is log|det dx/dz|, always of the direction z -> x.
class CoordinateMap {
 public:
  virtual ~CoordinateMap() = default;
  virtual int dimension() const noexcept = 0;
  virtual int configuration_size() const noexcept = 0;
  virtual void to_cartesian(std::span<const float> z, std::span<float> positions, std::span<double> log_det) const = 0;
  virtual void to_cartesian(std::span<const double> z, std::span<double> positions,
                            std::span<double> log_det) const = 0;
  /// The vector-Jacobian product: dL/dpositions and dL/dlog_det at z -> dL/dz [dimension, n_samples].
  /// @throws UnavailableError where a map has none.
  virtual void to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                                     std::span<const double> log_det_gradient, std::span<float> z_gradient) const;
  virtual void to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                                     std::span<const double> log_det_gradient, std::span<double> z_gradient) const;
  /// representable [n_samples]: 0 where z cannot hold the configuration (its z is then the nearest there is).
  virtual void from_cartesian(std::span<const double> positions, std::span<double> z, std::span<double> log_det,
                              std::span<std::uint8_t> representable) const = 0;
  /// Exchanges the names of equivalent atoms in every frame, in place, where z represents one naming only.
  virtual void relabel_equivalent_atoms(std::span<double> positions) const { (void)positions; }

 protected:
  CoordinateMap() = default;
  CoordinateMap(const CoordinateMap&) = default;
  CoordinateMap(CoordinateMap&&) = default;
  CoordinateMap& operator=(const CoordinateMap&) = default;
  CoordinateMap& operator=(CoordinateMap&&) = default;
};

}  // namespace boltzflow
