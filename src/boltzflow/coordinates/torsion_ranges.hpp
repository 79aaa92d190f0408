// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// The neighbours of every atom in the bond graph, ascending.
std::vector<std::vector<int>> neighbours_of(const MolecularSystem& system);

/// Hydrogens on one carbon or nitrogen, two or more, at least one of which has a confined torsion: exchanging them
/// changes nothing but their names.
struct EquivalentHydrogens {
  std::vector<int> atoms;          ///< ascending
  std::vector<int> confined_rows;  ///< rows of the Z-matrix
};

/// This decides which torsions are confined to the half of the circle that the reference structure lies in:
///  - a hydrogen on a carbon with three heavy neighbours, placed by two of them: the centre keeps its chirality;
///  - one of several hydrogens on a carbon or nitrogen, placed by two other neighbours of that atom, so that equivalent
///    hydrogens cannot exchange their names. The first hydrogen of a methyl group is placed by a torsion about the bond
///    that the group hangs on and stays free.
/// Only improper torsions (angle and torsion reference both bonded to the centre) are confined, and only where the
/// reference structure has it 30 degrees or more away from 0 and 180 degrees: in a planar amine a half circle would cut
/// the motion in the middle.
/// @param torsions of the reference structure, rad, one per row.
std::vector<TorsionRange> choose_torsion_ranges(const MolecularSystem& system, const ZMatrix& z_matrix,
                                                const std::vector<double>& torsions);

std::vector<EquivalentHydrogens> equivalent_hydrogens(const MolecularSystem& system, const ZMatrix& z_matrix,
                                                      const std::vector<TorsionRange>& ranges);

/// Exchanges the hydrogens of one group among their positions in a frame [n_atoms, 3], so that every confined torsion
/// of the group lies in its half. Keeps the labels if they are right already or if no exchange makes them right.
void relabel_group(const ZMatrix& z_matrix, const std::vector<TorsionRange>& ranges, const EquivalentHydrogens& group,
                   std::span<double> frame);

}  // namespace boltzflow
