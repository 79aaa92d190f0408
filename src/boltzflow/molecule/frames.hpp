// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Conformations of one molecule, as read from a file.
struct Frames {
  std::int64_t n_frames = 0;
  int n_atoms = 0;
  std::vector<double> positions;  ///< [n_frames, n_atoms, 3] nm
  std::map<std::string, std::vector<double>>
      arrays;  ///< other numbers, [n_frames] each, where the format has them (npz)
};

/// Some frames on their way to a file; the spans need to live for the call only.
struct FrameBatch {
  std::int64_t n_frames = 0;
  std::span<const double> positions;                           ///< [n_frames, n_atoms, 3] nm
  std::map<std::string, std::span<const double>> arrays = {};  ///< [n_frames] each, the same names in every batch
};

/// Writes a trajectory piece by piece. The file appears under its name, whole and synced, with finish(); an earlier
/// file of that name stays until then, and nothing is left behind if the writer goes without finish().
class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  FrameWriter() = default;
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;

  /// Formats that hold coordinates only leave batch.arrays out.
  /// @throws InputError if sizes disagree or a coordinate is not finite or too large for the format, IoError.
  virtual void append(const FrameBatch& batch) = 0;
  virtual void finish() = 0;  ///< once, at the end; @throws IoError
};

/// A trajectory file format: how to read it and how to write it.
struct FrameFormat {
  std::string_view extension;    ///< ".dcd"
  std::string_view description;  ///< for help and documentation
  Frames (*read)(const std::filesystem::path&);
  std::unique_ptr<FrameWriter> (*make_writer)(const std::filesystem::path&, const MolecularSystem&);
};

/// All of them; adding one is one file and one row in frames.cpp.
std::span<const FrameFormat> frame_formats();

/// This reads the frames of a .pdb (each MODEL), .dcd, .nc (Amber NetCDF), .npy or .npz file ([frames, atoms, 3] nm;
/// npz: key "positions").
/// @param system if given, the file must have as many atoms, and errors name atoms.
/// @throws MissingInputError, IoError; InputError if the extension is unknown, the file is malformed or truncated, or a
///         coordinate is not finite (naming frame and atom, both counted from 0).
Frames read_frames(const std::filesystem::path& path, const MolecularSystem* system = nullptr);

/// This opens a writer for the format of the extension.
/// @throws InputError for an unknown extension, IoError if the file cannot be created.
std::unique_ptr<FrameWriter> make_frame_writer(const std::filesystem::path& path, const MolecularSystem& system);

/// Checks a batch against the number of atoms: sizes, finite coordinates. @throws InputError that begins with `origin`.
void check_batch(const FrameBatch& batch, int n_atoms, const std::string& origin);

}  // namespace boltzflow
