// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "boltzflow/app/free_energy_windows.hpp"
#include "boltzflow/app/model_evaluation.hpp"
#include "boltzflow/evaluation/torsion_free_energy.hpp"

namespace boltzflow {

/// A profile from one source, with what to call it in a table.
struct NamedProfile {
  std::string torsion;  ///< "phi" or "psi"
  std::string source;   ///< "model" or "reference"
  TorsionProfile profile;
};

/// Free energies of a trained flow's weighted samples along torsions.
struct ModelFreeEnergies {
  TorsionStates states;
  double temperature = 0;  ///< K
  std::size_t n_samples = 0, n_zero_weights = 0;
  double effective_samples = 0;                             ///< of all weights, clipped
  double effective_samples_a = 0, effective_samples_b = 0;  ///< of the weights inside either window
  double seconds = 0;                                       ///< drawing and energies
  double clip_fraction = 0;
  Estimate difference;                ///< F_B - F_A, kT
  Estimate unweighted;                ///< of the flow itself, without energies
  std::optional<Estimate> reference;  ///< counted in the reference frames
  std::size_t n_reference_frames = 0, n_reference_blocks = 0;
  std::vector<NamedProfile> profiles;
};

struct ModelFreeEnergyOptions {
  ModelEvaluationOptions samples;
  double clip_fraction = 1e-4;
  int n_bins = 60;
  int n_replicates = 100;
};

/// Draws weighted samples as evaluate_model() does, and estimates the difference between two torsion windows and the
/// profiles along phi and psi of their residue, with bootstrap errors over samples; of reference frames over blocks.
ModelFreeEnergies model_free_energies(const TrainedModel& model, const TorsionStates& states,
                                      const std::optional<Frames>& reference, const ModelFreeEnergyOptions& options,
                                      Progress& progress);

std::string to_text(const ModelFreeEnergies& result);
nlohmann::ordered_json to_json(const ModelFreeEnergies& result);

/// "torsion,source,angle_rad,angle_deg,free_energy_kT,error_kT,free_energy_kJ_mol,error_kJ_mol", a row per bin; bins
/// without weight have empty fields.
std::string profile_csv(const std::vector<NamedProfile>& profiles, double temperature);
nlohmann::ordered_json profile_json(const std::vector<NamedProfile>& profiles);

/// {"value_kT", "error_kT", "value_kJ_mol", "error_kJ_mol"}; null where not finite.
nlohmann::ordered_json free_energy_json(Estimate estimate, double temperature);
/// "  label        -1.23 +- 0.04 kT     -3.07 +- 0.10 kJ/mol   note", with a newline.
std::string free_energy_row(const std::string& label, Estimate estimate, double temperature,
                            const std::string& note = "");

}  // namespace boltzflow
