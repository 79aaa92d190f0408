// SPDX-License-Identifier: MIT
#pragma once
#include <CLI/App.hpp>
#include <string>

#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {

/// The words on the command line that name a molecular system: SYSTEM, --structure and --generalized-born.
struct SystemArgument {
  std::string system, structure, generalized_born;

  /// Adds them to a verb; this object must live as long as `options`.
  void define(CLI::App& options, bool required = true);
  /// @throws as load_system().
  MolecularSystem load() const;
};

}  // namespace boltzflow
