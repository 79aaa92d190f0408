// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace boltzflow {

/// This keeps the frames of a simulation until it is finished: records of all replicas at one time, as they come, read
/// back replica by replica. What was appended before a sync() survives a crash.
class FrameJournal {
 public:
  /// Opens the file, or makes it. @throws IoError.
  FrameJournal(std::filesystem::path path, int n_replicas, int n_atoms);
  ~FrameJournal();
  FrameJournal(const FrameJournal&) = delete;
  FrameJournal& operator=(const FrameJournal&) = delete;

  /// Drops all but the first n_frames. @throws InputError if there are fewer, IoError.
  void truncate(std::int64_t n_frames);
  /// @param positions [n_replicas, n_atoms, 3] nm. @param energy [n_replicas] kJ/mol.
  void append(std::span<const float> positions, std::span<const double> energy);
  void sync();  ///< @throws IoError
  std::int64_t n_frames() const noexcept { return n_frames_; }

  /// Appends frames [first, first + n) of one replica to positions [n, n_atoms, 3] and energy [n].
  /// @throws IoError.
  void read(int replica, std::int64_t first, std::int64_t n, std::vector<double>& positions,
            std::vector<double>& energy);

 private:
  void flush();
  void read_at(std::uint64_t offset, void* bytes, std::size_t n_bytes) const;
  [[noreturn]] void fail(const char* what) const;
  std::uint64_t record_bytes() const noexcept { return n_replicas_ * (position_bytes_ + sizeof(double)); }

  std::filesystem::path path_;
  std::uint64_t n_replicas_, position_bytes_;  ///< bytes of the positions of one replica
  int descriptor_ = -1;
  std::int64_t n_frames_ = 0;
  std::vector<char> buffer_;
};

}  // namespace boltzflow
