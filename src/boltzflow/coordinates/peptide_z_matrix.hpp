// SPDX-License-Identifier: MIT
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The residues of one linear peptide, from the bond graph.
struct PeptideResidue {
  int nitrogen, alpha, carbonyl;  ///< N, CA, C
  int beta;                       ///< CB, or -1
  std::string name;               ///< of the side chain: "ALA", "HIS"
  std::vector<ZMatrixRow> side_chain;
};
struct Peptide {
  std::vector<PeptideResidue> residues;  ///< from the N-terminus
  int acetyl_carbon = -1;                ///< C of an ACE group before the first residue
  int amide_nitrogen = -1;               ///< N of an NME or NH2 group behind the last residue
};

/// This recognises a molecule that is one linear chain of the 20 amino acids in any protonation state, with or without
/// ACE, NME and NH2 caps, by its bond graph and elements; names only decide between atoms that the graph cannot tell
/// apart. @returns nothing if the molecule is anything else (cyclic, several chains, other residues).
std::optional<Peptide> recognise_peptide(const MolecularSystem& system);

/// This is the Z-matrix of a peptide as the literature builds it (bgmol's residue tables, TA-BG, CMT): the root is
/// C(ACE), N, CA or, without that cap, N, CA, C of the first residue; rows are the backbone N-CA-C from end to end,
/// then ACE, then each residue
///
///     CB|CA C N;  O|C CA N(next);  HA|CA N C;  H|N CA C(previous);  side chain
///
/// then NME. Hydrogens with two heavy neighbours placed are placed relative to both; of several on an atom with one
/// heavy neighbour the first turns about its bond and the others are placed relative to it. Charged ends: H|N CA C,
/// further hydrogens relative to H; O|C CA N, OXT|C CA O.
/// @throws InputError never; rows are complete: every atom is in the root or in one row.
ZMatrix peptide_z_matrix(const MolecularSystem& system, const Peptide& peptide);

}  // namespace boltzflow
