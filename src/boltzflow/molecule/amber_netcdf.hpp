// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>

#include "boltzflow/molecule/frames.hpp"

namespace boltzflow {

/// This reads an Amber NetCDF trajectory: a classic NetCDF file (versions 1, 2 and 5) with a variable
/// "coordinates" [frame, atom, 3], float or double, in Angstrom unless its "units" say nanometer; scale_factor is
/// applied. A "time" variable becomes the array of that name, in ps. NetCDF-4 (HDF5) files are refused with a hint.
/// @throws MissingInputError, IoError; InputError for other files, truncated ones, and counts that do not fit.
Frames read_amber_netcdf_frames(const std::filesystem::path& path);

/// Amber's conventions 1.0, 64-bit offsets: float32 Angstrom, and the array "time" where batches have one (else frames
/// are numbered from 1).
std::unique_ptr<FrameWriter> make_amber_netcdf_writer(const std::filesystem::path& path, const MolecularSystem& system);

}  // namespace boltzflow
