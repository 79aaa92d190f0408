// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <vector>

#include "boltzflow/flow/conditioner_engine.hpp"
#include "boltzflow/flow/coupling_layout.hpp"
#include "boltzflow/flow/spline_kernels.hpp"

namespace boltzflow {

/// Rows of a feature-major matrix: feature i of sample s is at data[i * stride + s].
template <class Float>
struct FeatureRows {
  Float* data;
  std::int64_t stride;
  Float* row(int i) const noexcept { return data + i * stride; }
};

/// This is the arithmetic of one coupling layer on one block of samples: raw pointers, no torch, no threads, no
/// allocation after a thread's first call. circular_shift is not part of it; see shift_circles().
class CouplingBlock {
 public:
  explicit CouplingBlock(CouplingLayout layout);

  const CouplingLayout& layout() const noexcept { return layout_; }
  ConditionerEngine& engine() noexcept { return engine_; }
  const ConditionerEngine& engine() const noexcept { return engine_; }

  /// A block has n_samples valid samples; the conditioner computes n_padded of them, the next multiple of
  /// ConditionerEngine::sample_multiple.
  struct Extent {
    int n_samples;
    int n_padded;
  };

  /// What backward needs of forward, for one block: features, the conditioner's activations, and the spline parameters
  /// unless the conditioner recomputes them.
  std::int64_t kept_bytes(ConditionerPrecision precision, int n_padded) const;

  /// y = the layer's image of x, rows of the conditioning dimensions copied; log_det [n_samples] is written.
  /// @param kept null, or kept_bytes() bytes on a 64-byte boundary. x and y may be the same rows.
  void forward(CouplingDirection direction, ConditionerPrecision precision, Extent extent, FeatureRows<const float> x,
               FeatureRows<float> y, float* log_det, std::byte* kept) const;

  /// Gradients of y and log_det -> x_gradient (data null: not wanted), and of the parameters into gradient_sums, as
  /// ConditionerEngine::backward. x is what forward saw, kept what it filled.
  void backward(CouplingDirection direction, ConditionerPrecision precision, Extent extent, FeatureRows<const float> x,
                const std::byte* kept, FeatureRows<const float> y_gradient, const float* log_det_gradient,
                FeatureRows<float> x_gradient, float* gradient_sums, bool overwrite) const;

  /// x = (x + shift) mod 1 for all circular dimensions.
  void shift_circles(float shift, FeatureRows<float> x, std::int64_t n_samples) const;

 private:
  SplineRows spline_rows(std::size_t transformed, const float* parameters, int n_padded) const;

  CouplingLayout layout_;
  std::vector<int> circular_conditioning_, interval_conditioning_;
  std::vector<int> last_slope_row_;  ///< of each transformed dimension; that of slope 0 for a circle
  SplineShape spline_shape_;
  ConditionerEngine engine_;
};

}  // namespace boltzflow
