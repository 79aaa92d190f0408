// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The heavy atoms of a side chain as rows of a Z-matrix.
struct SideChain {
  std::string residue_name;      ///< of the table: "HIS" for every protonation state of histidine
  std::vector<ZMatrixRow> rows;  ///< in placement order, without the row of CB
};

/// This finds which of the 20 amino acids' side chains hangs on CB, by comparing the bond graph and the elements of
/// heavy atoms with a table; hydrogens do not count, so every protonation state is known, and a disulphide bond counts
/// as none. Where the graph leaves a choice (CD1 and CD2 of leucine) the atoms' names decide, then their indices.
///
/// The references of each row are those of the tables that the literature uses (bgmol), with two exceptions: the last
/// atom of a six-membered ring is placed on its bonded neighbours, where those tables take the atom across the ring.
/// @param neighbours of every atom, ascending.
/// @param beta CB, or -1 for glycine.
/// @returns nothing if the side chain is none of the table.
std::optional<SideChain> match_side_chain(const MolecularSystem& system,
                                          const std::vector<std::vector<int>>& neighbours, int nitrogen, int alpha,
                                          int beta);

/// Names of the amino acids in the table: 20.
std::vector<std::string> side_chain_names();

}  // namespace boltzflow
