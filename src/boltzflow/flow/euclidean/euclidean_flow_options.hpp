// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

#include "boltzflow/base/options.hpp"

namespace boltzflow {

/// What a flow on R^d is made of. 0 where allowed stands for the architecture's own default, see euclidean_flows().
struct EuclideanFlowOptions {
  std::string architecture = "res-nvp";
  std::int64_t n_layers = 0;            ///< couplings, autoregressive layers or TarFlow blocks
  std::int64_t hidden_width = 0;        ///< of networks, or of tokens
  std::int64_t n_hidden_layers = 0;     ///< hidden layers, residual blocks, or transformer layers of each of them
  std::int64_t n_heads = 0;             ///< attention heads; divides hidden_width
  std::int64_t token_size = 3;          ///< coordinates of a token: 3, an atom, or 1
  std::string masking = "alternating";  ///< of couplings, see coupling_splits()
  std::int64_t mask_seed = 321;
  double maximum_log_scale = 2;            ///< bound of |log scale| of one affine map
  std::int64_t n_bins = 8;                 ///< [2, 64]
  double tail_bound = 5;                   ///< splines are the identity outside [-tail_bound, tail_bound]
  double minimum_bin_size = 1e-3;          ///< of widths and heights, of 2 tail_bound
  double minimum_slope = 1e-3;             ///< of splines at their knots
  bool spline_affine = true;               ///< splines are followed by a shift and a bounded scale
  std::string fast_direction = "forward";  ///< of autoregressive flows: "forward" (sampling) or "inverse" (density)

  /// Adds every setting but the architecture, which FlowOptions has, to the table as prefix + its name.
  void describe(OptionTable& table, const std::string& prefix = "flow.euclidean.");
};

}  // namespace boltzflow
