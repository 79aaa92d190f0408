// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/spline_map.hpp"

#include <algorithm>

namespace boltzflow {

TailedSplineShape spline_shape(const EuclideanFlowOptions& options) {
  return {options.n_bins,        options.tail_bound,    options.minimum_bin_size,
          options.minimum_slope, options.spline_affine, options.maximum_log_scale};
}

std::vector<float> SplineMap::identity_parameters() const {
  std::vector<float> values(static_cast<std::size_t>(n_parameters()), 0.0f);
  std::fill_n(values.begin() + 2 * shape_.n_bins, shape_.n_bins - 1, static_cast<float>(shape_.unit_slope_parameter()));
  return values;
}

Density::Mapped SplineMap::map(const at::Tensor& x, const at::Tensor& parameters, bool inverse) const {
  if (x.is_cpu() && x.scalar_type() == at::kFloat) return fused_tailed_spline(shape_, x, parameters, inverse);
  return composite_tailed_spline(shape_, x, parameters, inverse);
}

}  // namespace boltzflow
