// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

namespace boltzflow {

/// The makers of euclidean_flows(), each in the file of its name.
EuclideanTransforms make_real_nvp(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);
EuclideanTransforms make_res_nvp(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);
EuclideanTransforms make_nsf_coupling(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);
EuclideanTransforms make_nsf_autoregressive(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);
EuclideanTransforms make_jet(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);
EuclideanTransforms make_tarflow(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);

/// A transform whose forward is one pass, turned round if the settings want that of its inverse.
inline std::unique_ptr<EuclideanTransform> with_fast_direction(std::unique_ptr<EuclideanTransform> transform,
                                                               const EuclideanFlowOptions& options) {
  if (options.fast_direction == "forward") return transform;
  return std::make_unique<InvertedTransform>(std::move(transform));
}

}  // namespace boltzflow
