// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>

#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {

/// This reads a DCD trajectory (CHARMM, NAMD, X-PLOR; 32-bit record marks, either byte order); Angstrom become nm, unit
/// cells are passed over.
/// @throws MissingInputError, IoError; InputError if it is no DCD file, has fixed atoms, or its length does not match
/// the
///         numbers of frames and atoms in its header (a truncated file is named as such, with the frame that is cut).
Frames read_dcd_frames(const std::filesystem::path& path);

/// Writes a CHARMM-style DCD (version 24, no unit cell), float32 Angstrom; the frame count is put into the header at
/// the end.
std::unique_ptr<FrameWriter> make_dcd_writer(const std::filesystem::path& path, const MolecularSystem& system);

}  // namespace boltzflow
