// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "boltzflow/base/options.hpp"
#include "boltzflow/coordinates/cartesian_data_set.hpp"
#include "boltzflow/training/train.hpp"

namespace boltzflow {

/// Every setting of a training run, what the libraries below need and what the program itself decides.
struct RunSettings {
  std::string system;                     ///< a built-in name or a file
  std::string structure;                  ///< the file that goes with a topology; "": one of the same name beside it
  std::string generalized_born = "obc1";  ///< of a prmtop
  std::string energy_library;             ///< a shared library that gives the energy; "": the system's own terms
  double temperature = 0;                 ///< K; 0: the system's own
  TrainingOptions training;
  CartesianDataSetOptions data;  ///< of methods that learn from data
  struct Evaluation {
    std::int64_t samples = 100000;       ///< drawn for the final evaluation
    std::string reference;               ///< frames to compare with; "": none
    std::int64_t reference_blocks = 64;  ///< contiguous blocks its errors come from; 0: its frames are independent
    std::string precision = "split-bfloat16";  ///< of the conditioners in the final evaluation and its samples
  } evaluation;
  struct Output {
    std::int64_t samples = 10000;  ///< written to samples/ at the end; 0: none
  } output;

  /// Adds every setting under its key. The table stays bound to this object, which must not move.
  void describe(OptionTable& table);
};

/// What a command line says about the settings, in the order of precedence: defaults < preset < file < --set.
struct SettingsSource {
  std::string preset;              ///< name or ""
  std::string configuration_file;  ///< path or ""
  std::vector<std::string> assignments;
};

/// Reads the layers into `settings`.
/// @throws ConfigurationError with every error in all layers, MissingInputError if the file is not there.
void read_settings(RunSettings& settings, const SettingsSource& source);

/// The effective configuration of a run as TOML, to be read again by read_settings().
std::string settings_toml(RunSettings& settings);

/// docs/configuration.md and `boltzflow help configuration`.
std::string configuration_document();

}  // namespace boltzflow
