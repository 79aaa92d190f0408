// SPDX-License-Identifier: MIT
// What the tests of replica exchange have in common.
#pragma once
#include <cstdint>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"

namespace boltzflow::testing {

/// One temperature, for a potential that is fixed in space, so that the drift stays; a frame every 20 steps.
inline ReplicaExchangeOptions in_fixed_space(int n_ladders, double temperature, double time_step, std::uint64_t seed) {
  return {.n_ladders = n_ladders,
          .n_temperatures = 1,
          .lowest_temperature = temperature,
          .time_step = time_step,
          .friction = 5,
          .equilibration_steps = 4000,
          .steps = 20'000,
          .exchange_interval = 20,
          .frame_interval = 20,
          .seed = seed,
          .remove_drift = false};
}

/// Appends every frame's positions.
inline ReplicaExchangeObserver recorder(std::vector<float>& positions) {
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    positions.insert(positions.end(), frame.positions.begin(), frame.positions.end());
  };
  return observer;
}

inline std::vector<double> masses_of(const MolecularSystem& system) {
  std::vector<double> masses;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);
  return masses;
}

}  // namespace boltzflow::testing
