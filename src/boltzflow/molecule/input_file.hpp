// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>

namespace boltzflow {

/// A binary file that is read piece by piece and whose size is known from the start, so that no count in a header is
/// believed before there are bytes behind it.
class InputFile {
 public:
  /// @throws MissingInputError if it is not there or not readable.
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }
  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t remaining() const noexcept { return size_ - position_; }

  /// Reads exactly n_bytes. @throws InputError "ends early" if there are fewer, IoError if reading fails.
  void read(void* bytes, std::uint64_t n_bytes);
  /// Moves ahead. @throws InputError if the file ends before that.
  void skip(std::uint64_t n_bytes);

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0, position_ = 0;
};

}  // namespace boltzflow
