// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>

#include "boltzflow/app/invocation.hpp"
#include "boltzflow/app/run_settings.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {

/// What `boltzflow train` was told on the command line.
struct TrainingWords {
  std::string system, structure, reference, data, run, resume;
  std::optional<double> temperature;
  SettingsSource source;
};

/// Trains, evaluates, and writes report and samples: the whole of `boltzflow train`, new or resumed.
///
/// Everything that can be wrong with the input is found before the run folder is made. Returns interrupted or
/// terminated after a clean stop by a signal.
ExitStatus run_training(const TrainingWords& words, const Invocation& invocation);

}  // namespace boltzflow
