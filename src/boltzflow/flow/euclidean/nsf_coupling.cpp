// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/architectures.hpp"
#include "boltzflow/flow/euclidean/coupling_transform.hpp"
#include "boltzflow/flow/euclidean/spline_map.hpp"

namespace boltzflow {

EuclideanTransforms make_nsf_coupling(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors) {
  const auto map = std::make_shared<const SplineMap>(spline_shape(options));
  EuclideanTransforms transforms;
  for (const CouplingSplit& split :
       coupling_splits(dimension, options.n_layers, options.masking, static_cast<std::uint64_t>(options.mask_seed)))
    transforms.push_back(
        std::make_unique<CouplingTransform>(split, map, options.hidden_width, options.n_hidden_layers, true, tensors));
  return transforms;
}

}  // namespace boltzflow
