// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/conditioner_engine.hpp"

namespace boltzflow {

/// What one coupling layer does to a point x in [0,1]^dimension, feature by feature.
///
/// Conditioner inputs, in this order: cos(2 pi x_i) of every circular conditioning dimension, sin(2 pi x_i) of the
/// same, 4 (x_i - 0.5) of every other (SplineKernels::embed_interval); within each group in the order of
/// `conditioning`. Conditioner outputs (m transformed dimensions, K bins): unnormalised widths [m][K], heights [m][K],
/// slopes [m][K] of knots 0..K-1, and the last knot's slope for every transformed dimension that is not circular, in
/// their order; a circular dimension's last slope is its first.
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

}  // namespace boltzflow
