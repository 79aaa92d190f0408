// SPDX-License-Identifier: MIT
// The peptides that make_peptides.py has written: atoms, bonds and a structure, no parameters.
#pragma once
#include <fstream>
#include <sstream>
#include <string>

#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/pdb.hpp"

namespace boltzflow {

inline MolecularSystem peptide(const std::string& name) {
  const std::string path = BOLTZFLOW_SOURCE_DIR "/tests/coordinates/peptides/" + name + ".pdb";
  const PdbFile file = read_pdb(path);
  MolecularSystem system;
  system.name = name;
  system.atoms = file.atoms;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with("CONECT")) {
      std::istringstream fields(line.substr(6));
      int first = 0;
      fields >> first;
      for (int other = 0; fields >> other;)
        if (other > first) system.bonds.push_back({first - 1, other - 1});
    }
  const auto n = 3 * system.atoms.size();
  system.positions.assign(file.frames.positions.begin(),
                          file.frames.positions.begin() + static_cast<std::ptrdiff_t>(n));
  return system;
}

}  // namespace boltzflow
