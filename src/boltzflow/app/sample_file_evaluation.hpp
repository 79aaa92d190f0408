// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "boltzflow/evaluation/evaluate.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// An .npz of samples and what is known about them.
struct SampleFileEvaluation {
  std::filesystem::path samples;      ///< with positions, reduced_energy, and log_prob or (refined samples) log_weight
  const MolecularSystem* system;      ///< null: unknown, so no torsions and no energies of the reference
  std::optional<double> temperature;  ///< K
  std::string reference;              ///< frames to compare with, or ""
  std::int64_t n_reference_blocks = 64;
  std::int64_t seed = 1;
  int n_transport_points = 2000;  ///< see EvaluationOptions
  double drop_fraction = 0;       ///< likewise
};

/// Evaluates samples as they are in a file; the flow is not at hand, so what needs its density at reference frames is
/// left out.
/// @throws InputError if the file lacks log_prob or reduced_energy, or a reference is given without a system.
Evaluation evaluate_sample_file(const SampleFileEvaluation& asked);

}  // namespace boltzflow
