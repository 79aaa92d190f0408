// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "boltzflow/sampling/replica_exchange.hpp"

namespace boltzflow {

/// Everything that `boltzflow simulate --resume` needs to know beside the molecule.
struct SimulationSettings {
  std::string system;              ///< the name shown
  ReplicaExchangeOptions options;  ///< but for the constraints, which are the molecule's
  std::vector<std::string> outputs;
  std::string energy_library;     ///< a shared library that takes the force field's place, or empty
  std::string topology;           ///< a PDB file with one frame, or empty
  double checkpoint_minutes = 5;  ///< between checkpoints
};

/// simulation.json of a simulation's folder. @throws IoError.
void write_simulation_settings(const std::filesystem::path& path, const SimulationSettings& settings);
/// @throws MissingInputError; InputError if it is not what write_simulation_settings writes.
SimulationSettings read_simulation_settings(const std::filesystem::path& path);

}  // namespace boltzflow
