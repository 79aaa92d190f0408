// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <vector>

namespace boltzflow {

/// This reads the positions of a GROMACS structure's (.gro) first frame, [n_atoms, 3] nm, of any precision; velocities
/// and the box are passed over.
/// @throws MissingInputError, IoError; InputError with file:line for what is no coordinate, and files that are cut.
std::vector<double> read_gro_positions(const std::filesystem::path& path);

}  // namespace boltzflow
