// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/architectures.hpp"
#include "boltzflow/flow/euclidean/autoregressive_transformer.hpp"
#include "boltzflow/flow/euclidean/layer_orders.hpp"

namespace boltzflow {

EuclideanTransforms make_tarflow(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors) {
  const std::int64_t size = options.token_size;
  const TransformerShape shape{dimension / size, size, options.hidden_width, options.n_hidden_layers, options.n_heads,
                               2 * size,         true};
  EuclideanTransforms transforms;
  for (const std::vector<std::int64_t>& order : layer_orders(shape.n_tokens, options))
    transforms.push_back(with_fast_direction(
        std::make_unique<AutoregressiveTransformer>(order, shape, options.maximum_log_scale, tensors), options));
  return transforms;
}

}  // namespace boltzflow
