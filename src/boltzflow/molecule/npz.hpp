// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/molecule/npy.hpp"

namespace boltzflow {

/// An open .npz archive: named NumPy arrays, stored or deflated.
class NpzReader {
 public:
  /// @throws MissingInputError; InputError if it is not an archive or is damaged.
  explicit NpzReader(const std::filesystem::path& path);
  ~NpzReader();
  NpzReader(const NpzReader&) = delete;
  NpzReader& operator=(const NpzReader&) = delete;

  std::vector<std::string> names() const;  ///< without ".npy", in the archive's order
  bool contains(const std::string& name) const;
  NpyHeader header(const std::string& name) const;  ///< type and shape only; @throws as read
  /// @throws InputError if there is no such array or it is damaged (its checksum is compared).
  NpyArray read(const std::string& name) const;

 private:
  struct Archive;
  template <class Function>
  auto with_source(const std::string& name, bool to_the_end, Function function) const;
  std::unique_ptr<Archive> archive_;
};

/// Writes an .npz archive (stored, readable by numpy.load) whose arrays all grow at the same time: each streams into a
/// file beside the archive, and finish() puts them together. Larger than memory and than 4 GiB are fine. The same
/// arrays give the same bytes (all entries carry the date 1980-01-01).
class NpzWriter {
 public:
  explicit NpzWriter(std::filesystem::path path);

  /// The array of this name, new on the first call; later calls leave type and row shape as they are.
  /// @throws InputError if the name is empty or holds a slash, IoError.
  NpyWriter& array(const std::string& name, NumberType type, std::vector<std::int64_t> row_shape);

  void finish();  ///< @throws IoError

 private:
  std::filesystem::path path_;
  std::map<std::string, std::unique_ptr<NpyWriter>> arrays_;
};

/// "positions" and, under their names, all arrays that hold one number a frame.
Frames read_npz_frames(const std::filesystem::path& path);
std::unique_ptr<FrameWriter> make_npz_writer(const std::filesystem::path& path, const MolecularSystem& system);

}  // namespace boltzflow
