// SPDX-License-Identifier: MIT
#pragma once
#include <CLI/App.hpp>
#include <functional>
#include <span>

#include "boltzflow/app/invocation.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {

/// This is one command of the program: `boltzflow NAME ...`. A verb is one file in verbs/ and one row of the table.
struct Verb {
  using Action = std::function<ExitStatus(Invocation&)>;
  const char* name;                     ///< "train"; two words for a verb below another: "system energy"
  const char* summary;                  ///< one line
  const char* example;                  ///< a command that works, shown under --help
  Action (*define)(CLI::App& options);  ///< adds the verb's own options and returns what to do once they are read
  bool has_common_options = true;       ///< --json, --seed, --threads, --device, --quiet
};

/// The whole table, in the order of --help.
std::span<const Verb> verbs();

}  // namespace boltzflow
