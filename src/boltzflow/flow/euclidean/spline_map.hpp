// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/flow/euclidean/elementwise_map.hpp"
#include "boltzflow/flow/euclidean/euclidean_flow_options.hpp"
#include "boltzflow/flow/euclidean/tailed_spline.hpp"

namespace boltzflow {

/// The splines that the settings ask for.
TailedSplineShape spline_shape(const EuclideanFlowOptions& options);

/// The tailed spline as an elementwise map: fused for float32 on the CPU, plain tensor operations elsewhere.
class SplineMap final : public ElementwiseMap {
 public:
  explicit SplineMap(const TailedSplineShape& shape) : shape_(shape) {}
  std::int64_t n_parameters() const noexcept override { return shape_.n_parameters(); }
  std::vector<float> identity_parameters() const override;
  Density::Mapped map(const at::Tensor& x, const at::Tensor& parameters, bool inverse) const override;

 private:
  TailedSplineShape shape_;
};

}  // namespace boltzflow
