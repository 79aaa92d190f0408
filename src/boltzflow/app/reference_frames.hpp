// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <filesystem>
#include <optional>
#include <vector>

#include "boltzflow/energy/potential.hpp"
#include "boltzflow/evaluation/evaluation_input.hpp"
#include "boltzflow/flow/boltzmann_generator.hpp"
#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {

/// Backbone torsions of frames in columns, for evaluate(): one pair per residue that has both.
void add_torsions(FrameColumns& columns, const MolecularSystem& system, const std::vector<double>& positions);
/// "ALA 2" for every pair that add_torsions() makes.
std::vector<std::string> torsion_pair_names(const MolecularSystem& system);

using AtomPairs = std::vector<std::array<int, 2>>;
/// The pairs of atoms whose distances are compared: all of them, or n_pairs spread evenly over the list of all, (0, 1),
/// (0, 2), ..., which bounds time and memory.
AtomPairs compared_pairs(int n_atoms, int n_pairs = 128);
/// Their distances in frames [n_frames, n_atoms, 3], nm, in columns, for evaluate().
void add_distances(FrameColumns& columns, const AtomPairs& pairs, int n_atoms, const std::vector<double>& positions);

/// Frames of another method as evaluate() wants them: torsions, reduced energies, and where a generator is given log q
/// and whether its coordinates can represent the frame (equivalent hydrogens are relabelled first).
/// @param n_blocks contiguous blocks for errors of correlated frames; 0: frames are independent.
ReferenceColumns reference_columns(const Frames& frames, const MolecularSystem& system, const Potential& potential,
                                   double temperature, const BoltzmannGenerator* generator, std::int64_t n_blocks);

}  // namespace boltzflow
