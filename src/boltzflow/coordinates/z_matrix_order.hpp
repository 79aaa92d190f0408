// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This is an order of the rows of a Z-matrix in which every atom that a row refers to has been placed before; rows
/// keep their own order where they can.
/// @returns row indices, one per row.
/// @throws InputError naming the atom if an index is out of range, an atom is placed twice or never, a row refers to
/// one
///         atom twice, or rows refer to each other in a circle.
std::vector<int> placement_order(const ZMatrix& z_matrix, const MolecularSystem& system);

/// "HB1 of ALA 2", or "atom 11" where the system has no names.
std::string describe_atom(const MolecularSystem& system, int atom);

}  // namespace boltzflow
