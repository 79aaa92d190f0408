// SPDX-License-Identifier: MIT
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "boltzflow/app/simulation_settings.hpp"
#include "boltzflow/sampling/convergence.hpp"

namespace boltzflow {

/// A quantity whose convergence is reported.
struct ReportedQuantity {
  std::string name, unit;
  Convergence convergence;
};

/// What a finished simulation prints, for people and as JSON.
struct SimulationReport {
  std::string text;
  nlohmann::ordered_json document;
};

/// @param series of every torsion [n_ladders, n_frames] rad, and of the energy, kJ/mol: the lowest temperature's.
/// A torsion is reported by its cosine or its sine, whichever is slower.
std::vector<ReportedQuantity> assess_simulation(
    const std::vector<double>& energy, const std::vector<std::pair<std::string, std::vector<double>>>& torsions,
    int n_ladders);

/// @param seconds that this session spent on `session_steps` steps.
SimulationReport report_simulation(const SimulationSettings& settings, const ReplicaExchangeResult& result,
                                   const std::vector<ReportedQuantity>& quantities, std::int64_t n_frames,
                                   double seconds, std::int64_t session_steps);

/// Time of all replicas together in a day, ns.
double nanoseconds_per_day(const ReplicaExchangeOptions& options, std::int64_t steps, double seconds);

}  // namespace boltzflow
