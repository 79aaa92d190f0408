// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "boltzflow/flow/conditioner_engine.hpp"

namespace boltzflow {

/// What one coupling layer does to a point x in [0,1]^dimension, feature by feature.
///
/// Conditioner inputs, in this order: cos(2 pi x_i) of every circular conditioning dimension, sin(2 pi x_i) of the
/// same, x_i of every other; within each group in the order of `conditioning`. Conditioner outputs (m transformed
/// dimensions, K bins): unnormalised widths [m][K], heights [m][K], slopes [m][K] of knots 0..K-1, and the last knot's
/// slope for every transformed dimension that is not circular, in their order; a circular dimension's last slope is its
/// first.
struct CouplingLayout {
  int dimension = 0;
  std::vector<int> conditioning;        ///< dimensions the conditioner sees, unchanged by the layer
  std::vector<int> transformed;         ///< dimensions whose splines it parametrises
  std::vector<unsigned char> circular;  ///< [dimension], 1: a circle
  int n_bins = 8;
  int hidden_width = 256;
  int n_hidden_layers = 5;
  double minimum_bin_size = 1e-3;
  double minimum_slope = 1e-3;
  /// Added modulo 1 to all circular dimensions after the layer in the forward direction (and taken off before it in the
  /// inverse direction).
  double circular_shift = 0;

  ConditionerShape conditioner_shape() const;
};

/// forward: base -> z, the spline's inverse (quadratic) formula; inverse: z -> base, the spline's forward formula.
enum class CouplingDirection { forward, inverse };

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

 private:
  friend void map_through(std::span<const CouplingLayer> layers, CouplingDirection direction,
                          ConditionerPrecision precision, std::int64_t n_samples, const float* x, float* y,
                          double* log_det);
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Sends n_samples points through all layers (first to last when forward, last to first when inverse) without
/// gradients, a block of samples at a time, so that a block stays in the cache from the first layer to the last.
/// Threaded.
/// @param x, y [n_samples][dimension], sample-major, may be the same array. @param log_det [n_samples], written.
void map_through(std::span<const CouplingLayer> layers, CouplingDirection direction, ConditionerPrecision precision,
                 std::int64_t n_samples, const float* x, float* y, double* log_det);

}  // namespace boltzflow
