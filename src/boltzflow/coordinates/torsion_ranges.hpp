// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include "boltzflow/coordinates/equivalent_branches.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The neighbours of every atom in the bond graph, ascending.
std::vector<std::vector<int>> neighbours_of(const MolecularSystem& system);

/// A half circle that holds `torsion` (rad) as near to its middle as one of the four does.
TorsionRange nearest_half(double torsion);
/// True if the half circle (or full) holds `torsion`, rad.
bool holds(TorsionRange range, double torsion);

/// Equivalent branches whose names the coordinates tell apart by confined torsions.
struct LabelledBranches {
  std::vector<std::vector<int>> branches;  ///< as in EquivalentBranches
  std::vector<int> confined_rows;          ///< rows of the Z-matrix
};

/// What keeps a molecule's stereocentres, and the names of its equivalent atoms, as they are in the reference
/// structure.
struct TorsionConfinement {
  std::vector<TorsionRange> ranges;  ///< one per row
  /// For a folded torsion the row of the other branch; else -1. See InternalCoordinates.
  std::vector<int> folds;
  std::vector<LabelledBranches> groups;  ///< large branches first
};

/// This decides which torsions are confined to a half circle. Improper ones (angle and torsion reference both bonded to
/// the centre), to the half that the reference structure lies in, where that has it 30 degrees or more away from 0 and
/// 180 degrees:
///  - a hydrogen on a carbon with three heavy neighbours: the centre keeps its form (HA, HB of ILE, THR and VAL, HG of
///    LEU, and with the last two the names of their methyl groups);
///  - one of several hydrogens on a carbon or nitrogen, so that equivalent hydrogens cannot exchange their names. The
///    first hydrogen of a methyl group turns about the bond that the group hangs on and stays free;
///  - a heavy atom on a carbon with four neighbours, one hydrogen at most among them (CG2 of ILE, THR and VAL, CD2 of
///    LEU); but CB on CA stays free, as in the literature: HA holds that centre.
/// And proper ones, folded: where a planar atom with three neighbours carries two equivalent branches (a phenyl ring,
/// NH1 and NH2 of arginine, the hydrogens of an amide), and these are no bare atoms as those of a carboxylate.
/// @param torsions of the reference structure, rad, one per row.
TorsionConfinement confine_torsions(const MolecularSystem& system, const ZMatrix& z_matrix,
                                    const std::vector<double>& torsions);

/// Exchanges the branches of one group in a frame [n_atoms, 3], so that every confined torsion of the group lies in its
/// half. Keeps the names if they are right already or if no exchange makes them right.
void relabel_group(const ZMatrix& z_matrix, const TorsionConfinement& confinement, const LabelledBranches& group,
                   std::span<double> frame);

}  // namespace boltzflow
