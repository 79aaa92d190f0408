// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow::testing {

/// What LangevinMiddleIntegrator is told.
struct OpenMMDynamicsOptions {
  double temperature = 300;  ///< K
  double friction = 1;       ///< 1/ps
  double time_step = 0.001;  ///< ps
  int seed = 1;
  std::vector<DistanceConstraint> constraints = {};  ///< added to those of the System
};

/// This is OpenMM's own dynamics of a System XML on its CPU platform with one thread; OpenMM's headers stay behind it.
class OpenMMDynamics {
 public:
  OpenMMDynamics(const std::string& xml_path, const OpenMMDynamicsOptions& options);
  ~OpenMMDynamics();
  /// Starts anew from positions [n_atoms, 3] nm with thermal velocities.
  void start(std::span<const double> positions, int seed);
  void run(int n_steps);
  std::vector<double> positions() const;  ///< [n_atoms, 3] nm
  double energy() const;                  ///< kJ/mol

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace boltzflow::testing
