// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include "boltzflow/flow/coupling_layer.hpp"

namespace boltzflow {

/// Rational-quadratic splines in plain tensor operations, any device, float32 or float64, differentiable; the equations
/// and names are those of flow/kernels/rational_quadratic_spline-inl.hpp.
///
/// @param x [...], clamped to [0,1]. @param widths, heights [..., K] and slopes [..., K + 1], unnormalised.
struct CompositeSpline {
  at::Tensor y;               ///< [...]
  at::Tensor log_derivative;  ///< [...], of the direction called
};
CompositeSpline composite_spline(const at::Tensor& x, const at::Tensor& widths, const at::Tensor& heights,
                                 const at::Tensor& slopes, double minimum_bin_size, double minimum_slope, bool inverse);

/// A coupling layer in plain tensor operations: what CouplingLayer's fused node is tested against, and the layer of
/// devices that have no kernels of ours. Samples are [n_samples, dimension] here.
///
/// The precisions mean the same as in the fused node: operands of matrix products are rounded to bfloat16 (or split in
/// two halves) and products accumulate in the parameters' type. On a CUDA device the hidden layers of bfloat16 run as
/// bfloat16 products; the last layer's outputs are never rounded.
class CompositeCoupling {
 public:
  explicit CompositeCoupling(CouplingLayout layout);

  const CouplingLayout& layout() const noexcept { return layout_; }
  void to_device(const at::Device& device);

  struct Mapped {
    at::Tensor x;        ///< [n_samples, dimension]
    at::Tensor log_det;  ///< [n_samples], of the direction taken
  };
  /// @param parameters [n_parameters] in conditioner_layout()'s order, of x's device and type.
  Mapped map(CouplingDirection direction, const at::Tensor& parameters, const at::Tensor& x,
             ConditionerPrecision precision) const;

 private:
  CouplingLayout layout_;
  at::Tensor conditioning_circular_, conditioning_interval_, transformed_;  // indices
  at::Tensor
      last_slope_source_;  // column of [slopes | extra slopes] that holds each transformed dimension's last slope
  at::Tensor order_;       // from [conditioning | transformed] back to 0 .. dimension-1
  at::Tensor conditioning_;
  at::Tensor shift_;  // [dimension], float64: circular_shift of circular dimensions, else 0
};

}  // namespace boltzflow
