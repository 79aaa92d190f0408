// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// What a look at the frames of a trajectory has found.
struct TrajectoryCheck {
  std::int64_t n_frames = 0;
  /// Median over bonds and frames of (length in the frame) / (length in the system); NaN without bonds.
  double bond_length_ratio = 0;
  /// Frames with a bond stretched or squeezed beyond belief, and frames with a stereocentre of the wrong hand.
  std::vector<std::int64_t> broken, wrong_handed;
  std::int64_t n_duplicates = 0;  ///< frames that repeat an earlier one bit for bit
  /// One sentence for each thing that a user should know, with names and numbers; empty if all is well.
  std::vector<std::string> warnings;
};

/// This compares frames with the molecule they are said to be of. The system's bond lengths are those of its force
/// field, of its constraints, or of its reference structure, in this order; chirality needs the reference structure
/// and is passed over without one.
///
/// Warned of, with counts and the first frame (counted from 0): broken bonds (longer than 1.5 or shorter than 0.6 times
/// the system's), stereocentres of the wrong hand by name (alpha carbons as D amino acids), repeated frames.
///
/// @param positions [n_frames, n_atoms, 3] nm.
/// @param origin what messages begin with: the trajectory's file name.
/// @throws InputError if this cannot be a trajectory of the system: no frames, a number of coordinates that is no
///         multiple of 3 n_atoms, a coordinate that is not finite (frame and atom), lengths wrong by a factor of ten
///         (naming the factor and the unit that explains it) or by another one, or more than one bond in ten broken in
///         the typical frame (another order of atoms, another molecule, molecules cut by a periodic box).
TrajectoryCheck check_trajectory(const MolecularSystem& system, std::span<const double> positions,
                                 const std::string& origin);

}  // namespace boltzflow
