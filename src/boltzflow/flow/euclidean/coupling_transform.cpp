// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/coupling_transform.hpp"

#include <ATen/ATen.h>

#include "boltzflow/flow/euclidean/linear_map.hpp"

namespace boltzflow {
namespace {

ConditionerNetwork network_for(const CouplingSplit& split, const ElementwiseMap& map, std::int64_t hidden_width,
                               std::int64_t n_hidden_layers, bool residual, FlowTensors& tensors) {
  const std::vector<float> identity = map.identity_parameters();
  std::vector<float> bias;
  for (std::size_t j = 0; j < split.transformed.size(); ++j) bias.insert(bias.end(), identity.begin(), identity.end());
  return ConditionerNetwork({std::ssize(split.conditioning), hidden_width, n_hidden_layers, std::ssize(bias), residual},
                            bias, tensors);
}

at::Tensor inverse_permutation(const CouplingSplit& split) {
  std::vector<std::int64_t> joined = split.conditioning;
  joined.insert(joined.end(), split.transformed.begin(), split.transformed.end());
  return at::argsort(at::tensor(joined, at::kLong));
}

}  // namespace

CouplingTransform::CouplingTransform(const CouplingSplit& split, std::shared_ptr<const ElementwiseMap> map,
                                     std::int64_t hidden_width, std::int64_t n_hidden_layers, bool residual,
                                     FlowTensors& tensors)
    : map_(std::move(map)),
      conditioning_(tensors.constant(at::tensor(split.conditioning, at::kLong))),
      transformed_(tensors.constant(at::tensor(split.transformed, at::kLong))),
      order_(tensors.constant(inverse_permutation(split))),
      network_(network_for(split, *map_, hidden_width, n_hidden_layers, residual, tensors)) {}

EuclideanTransform::Mapped CouplingTransform::apply(const at::Tensor& x, ConditionerPrecision precision,
                                                    bool inverse) const {
  const at::Tensor seen = x.index_select(0, conditioning_);
  const at::Tensor parameters = network_(at::clamp(seen, -largest_network_input, largest_network_input), precision);
  const Mapped mapped = map_->map(x.index_select(0, transformed_), parameters, inverse);
  return {at::cat({seen, mapped.x}, 0).index_select(0, order_), mapped.log_det};
}

EuclideanTransform::Mapped CouplingTransform::forward(const at::Tensor& x, ConditionerPrecision precision) const {
  return apply(x, precision, false);
}
EuclideanTransform::Mapped CouplingTransform::inverse(const at::Tensor& x, ConditionerPrecision precision) const {
  return apply(x, precision, true);
}

}  // namespace boltzflow
