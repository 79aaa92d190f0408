// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>
#include <vector>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// One line of `system check`.
struct CheckResult {
  std::string name;  ///< "round trip"
  bool passed;
  std::string detail;  ///< what was measured, with the limit
};

/// This tries the coordinate map on a molecule itself, around its reference structure: bonds and angles as the flow's
/// base draws them (normal, 0.1 of their range), torsions uniform.
///
///  - every atom is placed exactly once, on a bonded neighbour;
///  - the reference structure is representable and its interatomic distances come back from its z to 1e-9 nm;
///  - z -> x -> z returns z to 1e-7 and log_det to 1e-6, and every sample is representable (float64 kernels);
///  - log_det is that of the dense Jacobian, by central differences of the reference implementation, to 1e-4
///    (up to `largest_dense_jacobian` atoms; beyond, the kernels against the reference alone);
///  - every stereocentre is held, the amino acids are L, and the mirror image is refused;
///  - for every group of equivalent branches, exchanged names are brought back by relabelling.
/// @param coordinates of `system`.
std::vector<CheckResult> check_coordinates(const MolecularSystem& system, const InternalCoordinates& coordinates,
                                           int largest_dense_jacobian = 200);

/// Which of n_frames frames [n_frames, n_atoms, 3], nm, the coordinates can represent once equivalent atoms have the
/// names that z holds; passed if all of them.
CheckResult check_frames(const InternalCoordinates& coordinates, std::span<const double> frames);

/// This is log|det dx/dz| of the reference implementation at z by central differences (step 1e-5), beside the six rigid
/// motions, whose rotation counts 2 log 2 pi; bonds under constraints count as dimensions of unit width 1 nm.
/// Cost O(n_atoms^3).
double dense_log_det(const MolecularSystem& system, const InternalCoordinates& coordinates, std::span<const double> z);

}  // namespace boltzflow
