// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/architectures.hpp"
#include "boltzflow/flow/euclidean/autoregressive_transform.hpp"
#include "boltzflow/flow/euclidean/layer_orders.hpp"
#include "boltzflow/flow/euclidean/spline_map.hpp"

namespace boltzflow {

EuclideanTransforms make_nsf_autoregressive(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors) {
  const auto map = std::make_shared<const SplineMap>(spline_shape(options));
  EuclideanTransforms transforms;
  for (const std::vector<std::int64_t>& order : layer_orders(dimension, options))
    transforms.push_back(with_fast_direction(
        std::make_unique<AutoregressiveTransform>(order, map, options.hidden_width, options.n_hidden_layers, tensors),
        options));
  return transforms;
}

}  // namespace boltzflow
