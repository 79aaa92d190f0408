// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>

#include "boltzflow/flow/flow_options.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Time per energy with gradient, of thermal conformations in batches of 4096.
struct EnergySpeed {
  double float32_microseconds;
  double float64_microseconds;
};

/// Time per batch.
struct FlowSpeed {
  std::int64_t n_parameters;
  double training_step_milliseconds;  ///< log_prob, backward pass, Adam
  double sampling_milliseconds;       ///< sample with log_prob, coordinates not included
};

/// The median of several repetitions of at least a tenth of a second in all.
/// @throws InputError if the system has no reference structure, which conformations are made from.
EnergySpeed measure_energy_speed(const MolecularSystem& system);
FlowSpeed measure_flow_speed(const MolecularSystem& system, const FlowOptions& options, ConditionerPrecision precision,
                             std::int64_t batch_size, const std::string& device);

}  // namespace boltzflow
