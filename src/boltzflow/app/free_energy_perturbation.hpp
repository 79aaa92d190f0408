// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "boltzflow/app/free_energy_windows.hpp"
#include "boltzflow/app/progress.hpp"
#include "boltzflow/app/run_settings.hpp"
#include "boltzflow/evaluation/free_energy_estimators.hpp"
#include "boltzflow/training/state_map_fit.hpp"

namespace boltzflow {

/// What is asked of a targeted free-energy perturbation.
struct PerturbationOptions {
  std::string coordinates = "internal";  ///< or "aligned": Cartesian, in the frame of the mean structure
  int n_blocks = 50;                     ///< contiguous blocks of frames that errors come from
  int n_replicates = 100;
};

/// Works of one map and what they come to.
struct MapEstimate {
  std::vector<double> forward, reverse;  ///< kT; +inf outside
  FreeEnergyDifference difference;
  /// Exponential averages, corrected for what the map's image leaves out of the other state: exact for any map.
  Estimate forward_corrected, reverse_corrected;
  double multistate_bennett =
      0;  ///< of the two states: BAR's equation by Newton's method; NaN below an overlap of 0.001
};

/// F_B - F_A of two windows of a torsion by a map fitted to half of the frames and evaluated on the others.
struct PerturbationResult {
  TorsionStates states;
  double temperature = 0;  ///< K
  std::string coordinates;
  std::int64_t n_frames = 0, n_parameters = 0, dimension = 0;
  std::int64_t n_training_a = 0, n_training_b = 0, n_estimation_a = 0, n_estimation_b = 0;
  std::size_t blocks_a = 0, blocks_b = 0;
  StateMapFit fit;
  MapEstimate moments;  ///< before training: means and deviations of every coordinate only
  MapEstimate trained;
  Estimate counted;  ///< all frames, of whatever half
  std::int64_t n_energies = 0;
  double energy_seconds = 0, total_seconds = 0;
  std::vector<std::string> warnings;

  bool trained_is_better() const;
  /// The map of the two with the larger overlap. Both estimates are consistent; this one has the smaller error.
  const MapEstimate& best() const { return trained_is_better() ? trained : moments; }
};

/// Reads and checks settings.data.trajectory, splits its frames by the windows and each state's by time into halves,
/// fits the map on the first ones and evaluates it on the second, in both directions.
/// @param settings temperature resolved. @throws InputError naming file and counts if a state has too few frames,
/// ConfigurationError for an architecture that is no flow on R^d; Error of status interrupted or terminated on a stop.
PerturbationResult targeted_perturbation(const MolecularSystem& system, const TorsionStates& states,
                                         const RunSettings& settings, const PerturbationOptions& options,
                                         Progress& progress);

std::string to_text(const PerturbationResult& result);
nlohmann::ordered_json to_json(const PerturbationResult& result);
/// "map,direction,work_kT", a row per held-out frame; "inf" for works outside.
std::string works_csv(const PerturbationResult& result);

}  // namespace boltzflow
