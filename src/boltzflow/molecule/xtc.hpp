// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>

#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {

/// This reads a GROMACS XTC trajectory through the library chemfiles; unit cells are passed over. Coordinates have the
/// precision that the file was written with, which by GROMACS's default is 0.001 nm: too coarse for energies.
/// @throws MissingInputError; InputError if it is no XTC file, truncated or damaged, naming the frame.
Frames read_xtc_frames(const std::filesystem::path& path);

/// Writes an XTC file with a precision of 1e-6 nm, that of float32, and the array "time" (ps) where a batch has one,
/// else the number of the frame.
std::unique_ptr<FrameWriter> make_xtc_writer(const std::filesystem::path& path, const MolecularSystem& system);

}  // namespace boltzflow
