// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <vector>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// An increasing function of one number for every coordinate and sample, with parameters that a network gives: what
/// couplings and autoregressive layers do to the coordinates they change.
class ElementwiseMap {
 public:
  virtual ~ElementwiseMap() = default;
  /// P, parameters of one coordinate.
  virtual std::int64_t n_parameters() const noexcept = 0;
  /// Parameters [P] that make the map the identity.
  virtual std::vector<float> identity_parameters() const = 0;

  /// y [m, n] = f(x; parameters), coordinate by coordinate, or f^-1 if `inverse`.
  /// @param x [m, n_samples]. @param parameters [m P, n_samples], the P rows of a coordinate one after another.
  /// @return y and the sum over coordinates of log dy/dx, [n_samples]. Differentiable.
  virtual Density::Mapped map(const at::Tensor& x, const at::Tensor& parameters, bool inverse) const = 0;
};

}  // namespace boltzflow
