// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

#include "boltzflow/base/options.hpp"

namespace boltzflow {

/// The settings of a continuous flow, keys flow.continuous.*.
struct ContinuousFlowOptions {
  std::string velocity = "egnn";     ///< "two-layer", "egnn" or "dit"
  std::int64_t hidden_width = 64;    ///< units of a hidden layer, or of a token
  std::int64_t n_layers = 5;         ///< egnn, dit; two-layer has two
  std::int64_t n_heads = 4;          ///< dit; divides hidden_width
  double absolute_tolerance = 1e-5;  ///< of the differential equation, in the flow's (scaled) coordinates
  double relative_tolerance = 1e-5;
  std::int64_t maximum_steps = 10'000;  ///< tried steps per batch
  std::string divergence = "exact";     ///< "exact" or "hutchinson"
  std::int64_t n_probes = 1;            ///< hutchinson: probes per sample, fixed along its path
  std::int64_t probe_seed = 1;

  /// Adds one option per field, keys prefix + NAME. The options refer to this object.
  void describe(OptionTable& table, const std::string& prefix = "flow.");
};

}  // namespace boltzflow
