// SPDX-License-Identifier: MIT
#pragma once
#include <CLI/App.hpp>
#include <optional>
#include <string>

#include "boltzflow/app/model_evaluation.hpp"

namespace boltzflow {

/// The words that `evaluate` and `report` share: how many samples, and what to compare them with.
struct EvaluationWords {
  std::string reference, precision;
  bool no_reference = false;
  std::optional<std::int64_t> n_samples, n_reference_blocks;
  int n_transport_points = 2000;
  double drop_fraction = 0;

  /// Adds them to a verb; this object must live as long as `options`.
  void define(CLI::App& options);
  /// Fills what was not said from the settings of the run at `run`, if it is a run folder.
  void complete_from(const std::filesystem::path& run);
  /// The reference frames, or nothing. @throws as read_frames().
  std::optional<Frames> read_reference(const MolecularSystem& system) const;
  ModelEvaluationOptions options(std::optional<std::int64_t> seed) const;
};

}  // namespace boltzflow
