// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_settings.hpp"

#include <fmt/format.h>

#include "boltzflow/app/configuration_reader.hpp"
#include "boltzflow/app/option_text.hpp"
#include "boltzflow/app/presets.hpp"
#include "boltzflow/app/version.hpp"
#include "boltzflow/base/atomic_file.hpp"

namespace boltzflow {

void RunSettings::describe(OptionTable& table) {
  constexpr double billion = 1e9;
  table.add("system", system, {},
            "the molecule: a built-in name, an analytic target's, or a .json, .xml, .prmtop or .parm7 file");
  table.add("structure", structure, {},
            "the structure that goes with a topology file; empty: one of the same name beside it");
  table.add("generalized_born", generalized_born, {"none", "hct", "obc1", "obc2", "gbn", "gbn2"},
            "implicit solvent of an Amber topology");
  table.add("energy.library", energy_library, {},
            "shared library that gives the energy (docs/energy.md); empty: the system's own terms");
  table.add("temperature", temperature, 0, 1e5, "K; 0: the system's own");
  training.describe(table);
  boltzflow::describe(data, table);
  table.add("evaluation.samples", evaluation.samples, 1000, billion, "samples drawn for the final evaluation");
  table.add("evaluation.reference", evaluation.reference, {},
            "frames sampled without the flow to compare with (.npz, .npy, .dcd, .nc, .xtc, .pdb); empty: none");
  table.add("evaluation.reference_blocks", evaluation.reference_blocks, 0, 1e6,
            "contiguous blocks of the reference that its errors come from; 0: its frames are independent");
  table.add("evaluation.precision", evaluation.precision, {"float32", "bfloat16", "split-bfloat16"},
            "of the conditioners in the final evaluation and the samples written");
  table.add("output.samples", output.samples, 0, billion, "samples written to the run folder at the end; 0: none");
}

void read_settings(RunSettings& settings, const SettingsSource& source) {
  OptionTable table;
  settings.describe(table);
  ConfigurationReader reader(table);
  if (!source.preset.empty()) reader.read(find_preset(source.preset).toml, "preset " + source.preset);
  if (!source.configuration_file.empty()) reader.read(read_file(source.configuration_file), source.configuration_file);
  for (const std::string& assignment : source.assignments) reader.set(assignment, "--set");
  reader.finish();
}

std::string settings_toml(RunSettings& settings) {
  OptionTable table;
  settings.describe(table);
  return effective_configuration(table, fmt::format("Effective configuration, written by {}.\nEvery value that the run "
                                                    "used, derived ones included; `boltzflow train --config` reads it.",
                                                    version_text()));
}

std::string configuration_document() {
  RunSettings settings;
  OptionTable table;
  settings.describe(table);
  std::string text =
      "# Configuration\n\n"
      "`boltzflow train` takes its settings from four layers, each overriding those before it: the defaults below, a "
      "preset\n"
      "(`--preset`), a TOML file (`--config FILE.toml`), and single settings on the command line (`--set key=value`; "
      "the\n"
      "options `--seed`, `--reference` and the word SYSTEM set theirs last). All errors in all layers are reported at "
      "once, with\n"
      "file and line. The values a run used, derived ones included, are written to `config.toml` in its folder.\n\n"
      "```toml\n"
      "system = \"alanine-dipeptide\"\n"
      "temperature = 300.0\n\n"
      "[training]\n"
      "batch_size = 1024\n\n"
      "[method.cmt]\n"
      "trust_region = 0.3\n"
      "```\n\n"
      "## Presets\n\n"
      "| name | what it is |\n|---|---|\n";
  for (const Preset& preset : presets()) text += fmt::format("| `{}` | {} |\n", preset.name, preset.summary());
  text +=
      "\n## Settings\n\nA count may be written as `1e6`. This text is what `boltzflow help configuration` prints.\n\n" +
      option_table_markdown(table);
  while (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace boltzflow
