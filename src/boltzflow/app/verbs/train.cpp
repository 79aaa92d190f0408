// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/training_run.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"

namespace boltzflow {

Verb::Action define_train(CLI::App& options) {
  auto words = std::make_shared<TrainingWords>();
  options.add_option("SYSTEM", words->system,
                     "a built-in name, an analytic target's, or a .json, .xml, .prmtop or .parm7 file");
  options.add_option("--temperature", words->temperature, "K (default: the system's own)")
      ->check(CLI::Range(1e-3, 1e5))
      ->type_name("K");
  CLI::Option* structure =
      options.add_option("--structure", words->structure, "PDB or inpcrd that goes with a topology file")
          ->type_name("FILE");
  CLI::Option* preset =
      options
          .add_option("--preset", words->source.preset, "settings that come with boltzflow; an unknown name lists them")
          ->type_name("NAME");
  CLI::Option* file = options.add_option("--config", words->source.configuration_file, "settings from a TOML file")
                          ->type_name("FILE.toml");
  options.add_option("--set", words->source.assignments, "one setting; see `boltzflow help configuration`")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  options.add_option("--reference", words->reference, "frames from elsewhere to compare with in the end")
      ->type_name("FRAMES");
  CLI::Option* data =
      options.add_option("--data", words->data, "the trajectory to learn from, for methods that learn from data")
          ->type_name("FRAMES");
  CLI::Option* run =
      options.add_option("--run", words->run, "the new run folder (default: runs/SYSTEM-DATE-N)")->type_name("DIR");
  CLI::Option* resume =
      options.add_option("--resume", words->resume, "go on with an interrupted run; its settings are kept")
          ->type_name("RUN");
  for (CLI::Option* other : {structure, preset, file, data, run}) resume->excludes(other);
  return [words](Invocation& invocation) { return run_training(*words, invocation); };
}

}  // namespace boltzflow
