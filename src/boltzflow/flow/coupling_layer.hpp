// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "boltzflow/flow/conditioner_engine.hpp"
#include "boltzflow/flow/coupling_layout.hpp"

namespace boltzflow {

/// This is a coupling layer for the CPU: embedding, conditioner, spline and log-determinant as one autograd node over
/// kernels on raw pointers. Points are feature-major [dimension, n_samples] here.
///
/// Parameters are one flat float32 leaf tensor, laid out as conditioner_layout(layout.conditioner_shape()). Packed
/// copies are refreshed when the tensor's version counter has moved (any in-place operation of torch moves it), or
/// after parameters_changed(): call that after writing through a raw pointer, as a fused optimiser does.
class CouplingLayer {
 public:
  explicit CouplingLayer(CouplingLayout layout);
  ~CouplingLayer();
  CouplingLayer(CouplingLayer&&) noexcept;
  CouplingLayer& operator=(CouplingLayer&&) noexcept;

  const CouplingLayout& layout() const noexcept;
  const std::vector<LinearLayout>& parameter_layout() const noexcept;
  std::int64_t n_parameters() const noexcept;

  /// The leaf tensor [n_parameters] float32, contiguous, on the CPU.
  void set_parameters(at::Tensor parameters);
  const at::Tensor& parameters() const noexcept;
  void parameters_changed() const;

  struct Mapped {
    at::Tensor x;        ///< [dimension, n_samples] float32
    at::Tensor log_det;  ///< [n_samples] float32, of the direction taken
  };
  /// Differentiable with respect to x and parameters(), once. x: [dimension, n_samples] float32 on the CPU.
  Mapped map(CouplingDirection direction, const at::Tensor& x, ConditionerPrecision precision) const;

  struct Implementation;  ///< of coupling_layer.cpp
  Implementation& implementation() const noexcept { return *implementation_; }

 private:
  std::shared_ptr<Implementation>
      implementation_;  ///< shared with the graphs of passes that are not yet backpropagated
};

/// Sends n_samples points through all layers (first to last when forward, last to first when inverse) without
/// gradients, a block of samples at a time, so that a block stays in the cache from the first layer to the last.
/// Threaded.
/// @param x, y [n_samples][dimension], sample-major, may be the same array. @param log_det [n_samples], written.
void map_through(std::span<const CouplingLayer> layers, CouplingDirection direction, ConditionerPrecision precision,
                 std::int64_t n_samples, const float* x, float* y, double* log_det);

}  // namespace boltzflow
