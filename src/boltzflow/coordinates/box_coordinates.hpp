// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "boltzflow/coordinates/coordinate_map.hpp"

namespace boltzflow {

/// This maps the cube [0,1]^d onto a box, for targets without atoms (mixtures, wells):
///
///     x_k = lower_k + (upper_k - lower_k) z_k,   log|det dx/dz| = sum_k log(upper_k - lower_k)
///
/// The box is whatever holds all but a negligible part of the target's weight; a target is trained on, and log Z
/// computed for, its part inside the box. Lengths have the target's unit (none, for analytic targets).
class BoxCoordinates final : public CoordinateMap {
 public:
  /// @param lower,upper [d], the corners.
  /// @throws InputError if their sizes differ or are 0, or a side is not positive and finite (naming its dimension).
  BoxCoordinates(std::vector<double> lower, std::vector<double> upper);

  int dimension() const noexcept override { return static_cast<int>(lower_.size()); }
  int configuration_size() const noexcept override { return dimension(); }
  const std::vector<double>& lower() const noexcept { return lower_; }
  const std::vector<double>& upper() const noexcept { return upper_; }

  /// z [d, n_samples] -> x [n_samples, d]. z outside [0,1], as rounding makes it, is clamped; NaN stays NaN.
  /// @throws InputError if sizes do not fit.
  void to_cartesian(std::span<const float> z, std::span<float> x, std::span<double> log_det) const override;
  void to_cartesian(std::span<const double> z, std::span<double> x, std::span<double> log_det) const override;
  /// dL/dx [n_samples, d] -> dL/dz [d, n_samples]; log_det is constant.
  void to_cartesian_gradient(std::span<const float> z, std::span<const float> x_gradient,
                             std::span<const double> log_det_gradient, std::span<float> z_gradient) const override;
  void to_cartesian_gradient(std::span<const double> z, std::span<const double> x_gradient,
                             std::span<const double> log_det_gradient, std::span<double> z_gradient) const override;
  /// The inverse. x outside the box gets the nearest z and representable 0; so does NaN, with z = 0.
  void from_cartesian(std::span<const double> x, std::span<double> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const override;

 private:
  template <class Scalar>
  void map_to_box(std::span<const Scalar> z, std::span<Scalar> x, std::span<double> log_det) const;
  template <class Scalar>
  void gradient_from(std::span<const Scalar> z, std::span<const Scalar> x_gradient,
                     std::span<const double> log_det_gradient, std::span<Scalar> z_gradient) const;

  std::vector<double> lower_, upper_;
  double log_volume_ = 0;
};

}  // namespace boltzflow
