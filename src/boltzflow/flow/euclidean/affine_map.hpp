// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/flow/euclidean/elementwise_map.hpp"

namespace boltzflow {

/// c tanh(raw / c): a log-scale that cannot leave (-c, c), so that no product of layers overflows and an inverse never
/// divides by almost nothing.
at::Tensor bounded_log_scale(const at::Tensor& raw, double bound);

/// y = x exp(s) + t with parameters (t, raw), s = bounded_log_scale(raw).
/// @cite Dinh2017, "Density estimation using Real NVP".
class AffineMap final : public ElementwiseMap {
 public:
  explicit AffineMap(double maximum_log_scale) : maximum_log_scale_(maximum_log_scale) {}
  std::int64_t n_parameters() const noexcept override { return 2; }
  std::vector<float> identity_parameters() const override { return {0.0f, 0.0f}; }
  Density::Mapped map(const at::Tensor& x, const at::Tensor& parameters, bool inverse) const override;

 private:
  double maximum_log_scale_;
};

}  // namespace boltzflow
