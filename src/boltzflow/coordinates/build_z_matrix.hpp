// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This builds a Z-matrix from the bond graph: that of the literature for a linear peptide (see peptide_z_matrix.hpp),
/// else the general one.
/// @throws InputError as build_general_z_matrix().
ZMatrix build_z_matrix(const MolecularSystem& system);

/// This builds a Z-matrix for any molecule from the bond graph and the reference structure.
///
/// The root is a chain of three bonded heavy atoms in the middle of the molecule; then atoms follow outwards, heavy
/// atoms before hydrogens. An atom's bond reference is the neighbour that was placed first, its angle reference another
/// neighbour of that atom where there is one. The first atom that continues a bond gets a proper torsion about it;
/// every further one is placed relative to that first one by an improper torsion, so that turning about a bond is one
/// coordinate. A hydrogen on a centre that has two placed heavy neighbours is placed relative to both. References that
/// are nearly on one line in the reference structure (within 8 degrees) are passed over for the next best.
/// @throws InputError if there are fewer than three atoms, the bond graph is not connected, or an atom has no usable
///         references.
ZMatrix build_general_z_matrix(const MolecularSystem& system);

}  // namespace boltzflow
