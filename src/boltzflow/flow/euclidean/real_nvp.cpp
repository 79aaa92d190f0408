// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/affine_map.hpp"
#include "boltzflow/flow/euclidean/architectures.hpp"
#include "boltzflow/flow/euclidean/coupling_transform.hpp"

namespace boltzflow {
namespace {

EuclideanTransforms affine_couplings(int dimension, const EuclideanFlowOptions& options, bool residual,
                                     FlowTensors& tensors) {
  const auto map = std::make_shared<const AffineMap>(options.maximum_log_scale);
  EuclideanTransforms transforms;
  for (const CouplingSplit& split :
       coupling_splits(dimension, options.n_layers, options.masking, static_cast<std::uint64_t>(options.mask_seed)))
    transforms.push_back(std::make_unique<CouplingTransform>(split, map, options.hidden_width, options.n_hidden_layers,
                                                             residual, tensors));
  return transforms;
}

}  // namespace

EuclideanTransforms make_real_nvp(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors) {
  return affine_couplings(dimension, options, false, tensors);
}
EuclideanTransforms make_res_nvp(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors) {
  return affine_couplings(dimension, options, true, tensors);
}

}  // namespace boltzflow
