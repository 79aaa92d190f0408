// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/architectures.hpp"
#include "boltzflow/flow/euclidean/token_coupling.hpp"

namespace boltzflow {

EuclideanTransforms make_jet(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors) {
  const std::int64_t size = options.token_size;
  const TransformerShape shape{dimension / size, size, options.hidden_width, options.n_hidden_layers, options.n_heads,
                               2 * size,         false};
  EuclideanTransforms transforms;
  for (const CouplingSplit& split :
       coupling_splits(dimension, options.n_layers, options.masking, static_cast<std::uint64_t>(options.mask_seed)))
    transforms.push_back(std::make_unique<TokenCoupling>(split, shape, options.maximum_log_scale, tensors));
  return transforms;
}

}  // namespace boltzflow
