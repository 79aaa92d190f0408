// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include "boltzflow/coordinates/internal_coordinates.hpp"

namespace boltzflow {

/// The coordinate map of InternalCoordinates in plain tensor operations: any device, float32 or float64, differentiable
/// to any order. The reference for the kernels' gradients, and what runs where there is no CPU tensor.
/// Clamps, wrapping and conventions are those of InternalCoordinates.
class CompositeInternalCoordinates {
 public:
  /// Keeps a reference: `coordinates` must outlive this.
  explicit CompositeInternalCoordinates(const InternalCoordinates& coordinates) : coordinates_(coordinates) {}

  struct Cartesian {
    at::Tensor positions;  ///< [n_samples, n_atoms, 3] nm
    at::Tensor log_det;    ///< [n_samples] log|det dx/dz|, float64; carries its gradient to z
  };
  struct Internal {
    at::Tensor z;              ///< [n_samples, dimension], clamped
    at::Tensor log_det;        ///< [n_samples] log|det dx/dz| at z, float64
    at::Tensor representable;  ///< [n_samples] bool
  };
  /// @param z [n_samples, dimension].
  /// @throws InputError if the shape or type does not fit.
  Cartesian to_cartesian(const at::Tensor& z) const;
  /// @param positions [n_samples, n_atoms, 3] nm.
  Internal from_cartesian(const at::Tensor& positions) const;

 private:
  const InternalCoordinates& coordinates_;
};

/// The same map as one autograd node over the SIMD kernels, for CPU tensors: z [n_samples, dimension] float32 or
/// float64
/// -> positions in z's type and log_det in float64; once differentiable with respect to z.
/// `coordinates` must outlive the graph. @throws InputError for other devices, types or shapes.
CompositeInternalCoordinates::Cartesian internal_coordinates_node(const InternalCoordinates& coordinates,
                                                                  const at::Tensor& z);

}  // namespace boltzflow
