// SPDX-License-Identifier: MIT
#include "boltzflow/app/system_argument.hpp"

#include <CLI/CLI.hpp>

namespace boltzflow {

void SystemArgument::define(CLI::App& options, bool required) {
  options.add_option("SYSTEM", system, "a built-in name, or a .json, .xml, .prmtop, .parm7 or .top file")
      ->required(required);
  options
      .add_option("--structure", structure,
                  "PDB, inpcrd or gro that goes with a topology (default: the same name beside it)")
      ->type_name("FILE");
  options
      .add_option("--generalized-born", generalized_born,
                  "implicit solvent of a prmtop or top: none, hct, obc1 (default), obc2, gbn or gbn2")
      ->check(CLI::IsMember({"none", "hct", "obc1", "obc2", "gbn", "gbn2"}));
}

MolecularSystem SystemArgument::load() const {
  LoadOptions options;
  if (!structure.empty()) options.structure = structure;
  if (!generalized_born.empty()) options.generalized_born = generalized_born;
  return load_system(system, options);
}

}  // namespace boltzflow
