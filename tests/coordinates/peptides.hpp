// SPDX-License-Identifier: MIT
// The peptides that make_peptides.py has written: atoms, bonds and a structure, no parameters.
#pragma once
#include <string>

#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/molecule/molecular_system.hpp"
#include "boltzflow/molecule/pdb.hpp"

namespace boltzflow {

inline MolecularSystem peptide(const std::string& name) {
  const std::string path = BOLTZFLOW_SOURCE_DIR "/tests/coordinates/peptides/" + name + ".pdb";
  const PdbFile file = read_pdb(path);
  MolecularSystem system;
  system.name = name;
  system.atoms = file.atoms;
  system.bonds = file.bonds;
  const auto n = 3 * system.atoms.size();
  system.positions.assign(file.frames.positions.begin(),
                          file.frames.positions.begin() + static_cast<std::ptrdiff_t>(n));
  return system;
}

/// Constrains every bond to a hydrogen to its length in the structure.
inline void fix_bonds_to_hydrogens(MolecularSystem& system) {
  for (const auto& [i, j] : system.bonds)
    if (system.atoms[static_cast<std::size_t>(i)].element == "H" ||
        system.atoms[static_cast<std::size_t>(j)].element == "H")
      system.constraints.push_back({i, j, distance_between(system.positions, i, j)});
}

}  // namespace boltzflow
