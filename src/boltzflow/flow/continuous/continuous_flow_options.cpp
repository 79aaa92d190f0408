// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/continuous_flow_options.hpp"

namespace boltzflow {

void ContinuousFlowOptions::describe(OptionTable& table, const std::string& prefix) {
  table.add(prefix + "velocity", velocity, {"egnn", "dit", "two-layer"}, "the network of a continuous flow's velocity");
  table.add(prefix + "hidden_width", hidden_width, 1, 65536, "units of a hidden layer, or of an atom's token");
  table.add(prefix + "n_layers", n_layers, 1, 256, "message-passing or transformer layers; two-layer has its two");
  table.add(prefix + "n_heads", n_heads, 1, 1024, "attention heads of dit; divides hidden_width");
  table.add(prefix + "absolute_tolerance", absolute_tolerance, 1e-12, 1,
            "of the differential equation, in the flow's scaled coordinates");
  table.add(prefix + "relative_tolerance", relative_tolerance, 1e-12, 1, "of the differential equation");
  table.add(prefix + "maximum_steps", maximum_steps, 1, 1e9, "of the differential equation, per batch of samples");
  table.add(prefix + "divergence", divergence, {"exact", "hutchinson"},
            "how log-likelihoods are computed: exactly, or by an unbiased estimate of them");
  table.add(prefix + "n_probes", n_probes, 1, 1e6, "random probes per sample of the estimate");
  table.add(prefix + "probe_seed", probe_seed, 0, 9e15, "of the probes");
}

}  // namespace boltzflow
