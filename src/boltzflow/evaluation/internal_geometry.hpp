// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>
#include <vector>

namespace boltzflow {

/// These measure distances (nm), angles (rad, [0, pi]) and torsions (rad, [-pi, pi), IUPAC sign: cis 0, trans -pi) of a
/// batch.
///
///     torsion = atan2( |b2| b1 . (b2 x b3), (b1 x b2) . (b2 x b3) ),   b1 = r_j - r_i, b2 = r_k - r_j, b3 = r_l - r_k
///
/// @param positions [n_samples, n_atoms, 3] nm, float32 or float64; computed in float64.
/// @param atoms 0-based indices. @returns [n_samples]; undefined (but finite) where atoms coincide or lie on a line.
/// @throws InputError if the length of positions is no multiple of 3 n_atoms or an atom is out of range.
template <class Float>
std::vector<double> distances(std::span<const Float> positions, int n_atoms, std::array<int, 2> atoms);
template <class Float>
std::vector<double> angles(std::span<const Float> positions, int n_atoms, std::array<int, 3> atoms);
template <class Float>
std::vector<double> torsion_angles(std::span<const Float> positions, int n_atoms, std::array<int, 4> atoms);

}  // namespace boltzflow
