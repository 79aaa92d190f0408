// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/euclidean_flow_options.hpp"

namespace boltzflow {

void EuclideanFlowOptions::describe(OptionTable& table, const std::string& prefix) {
  table.add(prefix + "n_layers", n_layers, 0, 1024,
            "couplings, autoregressive layers or TarFlow blocks; 0: the architecture's default");
  table.add(prefix + "hidden_width", hidden_width, 0, 65536,
            "units of a network's layer, or numbers of a token; 0: the architecture's default");
  table.add(prefix + "n_hidden_layers", n_hidden_layers, 0, 256,
            "hidden layers, residual blocks or transformer layers of a network; 0: the architecture's default");
  table.add(prefix + "n_heads", n_heads, 0, 256, "attention heads; 0: the architecture's default");
  table.add(prefix + "token_size", token_size, 1, 3, "coordinates of a token of jet and tarflow: 3, an atom, or 1");
  table.add(prefix + "masking", masking, {"alternating", "random"},
            "how couplings split coordinates: atoms and x, y, z in turn, or random halves");
  table.add(prefix + "mask_seed", mask_seed, 0, 9e15, "of the random masks");
  table.add(prefix + "maximum_log_scale", maximum_log_scale, 1e-3, 20, "bound of one affine map's log-scale");
  table.add(prefix + "n_bins", n_bins, 2, 64, "bins of every spline");
  table.add(prefix + "tail_bound", tail_bound, 1e-3, 1e6,
            "splines are the identity further from 0 than this, in standard deviations");
  table.add(prefix + "minimum_bin_size", minimum_bin_size, 1e-6, 0.45, "of spline widths and heights, of 1");
  table.add(prefix + "minimum_slope", minimum_slope, 1e-6, 0.999, "of splines at their knots");
  table.add(prefix + "spline_affine", spline_affine, "splines are followed by a shift and a bounded scale");
  table.add(prefix + "fast_direction", fast_direction, {"forward", "inverse"},
            "the direction an autoregressive flow takes in one pass: forward (sampling) or inverse (density)");
}

}  // namespace boltzflow
