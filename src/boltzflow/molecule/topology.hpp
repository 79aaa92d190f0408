// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// A run of atoms that a force field has one template for.
struct TopologyResidue {
  std::string name;  ///< "ALA", as the source has it
  int number = 1;    ///< as in the source, or counted from 1
  std::string chain = "A";
  int first_atom = 0;
  int n_atoms = 0;
  std::string where;  ///< what begins an error about it: "file:line", or "residue 2 of ACE-ALA-NME"
};

/// Atoms, residues and bonds before any force field: what a sequence or a PDB file says.
struct Topology {
  std::vector<Atom> atoms;  ///< names, elements, residues; masses are the force field's business
  std::vector<TopologyResidue> residues;
  std::vector<int> residue_of;  ///< of every atom
  std::vector<std::array<int, 2>> bonds;
  std::vector<double> positions;  ///< [n_atoms, 3] nm, or empty

  int n_atoms() const { return static_cast<int>(atoms.size()); }
};

/// The atoms bonded to each atom, in ascending order.
std::vector<std::vector<int>> bonded_atoms(int n_atoms, const std::vector<std::array<int, 2>>& bonds);

}  // namespace boltzflow
