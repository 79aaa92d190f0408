// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace boltzflow {

/// A file that is written piece by piece under a temporary name beside its own and takes its name, synced, with
/// commit(). Without commit() it is removed, and an earlier file of that name is untouched.
class OutputFile {
 public:
  /// @throws IoError naming the path and the reason.
  explicit OutputFile(std::filesystem::path path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  const std::filesystem::path& temporary_path() const noexcept { return temporary_; }

  void write(std::string_view bytes);                            ///< appends; @throws IoError
  void overwrite(std::uint64_t offset, std::string_view bytes);  ///< replaces bytes written before; @throws IoError
  void flush();   ///< hands what is buffered to the system; @throws IoError
  void commit();  ///< flush, sync, rename; @throws IoError

 private:
  void write_at_end(std::string_view bytes);
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, temporary_;
  std::string buffer_;
  int descriptor_ = -1;
};

}  // namespace boltzflow
