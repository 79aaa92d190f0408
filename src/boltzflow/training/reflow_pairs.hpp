// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// What a file of reflow pairs says of itself. Two files with one header hold the same pairs.
struct ReflowPairsHeader {
  int dimension = 0;               ///< of x0 and x1
  std::int64_t block_size = 4096;  ///< pairs per block, the unit of writing, checking and resuming
  std::uint64_t seed = 0;          ///< of x0
  std::uint64_t teacher_hash = 0;  ///< parameters_hash() of the flow that made x1
  std::string coordinates;         ///< what the numbers are, units included: "cartesian helmert, 0.1623 nm"
  bool operator==(const ReflowPairsHeader&) const = default;
};

/// A hash of a density's parameters (FNV-1a of their bytes, eight at a time): names a teacher.
std::uint64_t parameters_hash(const Density& density);

/// x0 of pairs first, first + 1, ...: standard normal, a function of the header's seed and the pair's number alone, so
/// it is not stored. @param x0 [n, dimension].
void reflow_base_points(const ReflowPairsHeader& header, std::int64_t first, std::span<float> x0);

/// Writes x1 of the teacher for x0, both [block_size, dimension].
using ReflowTransport = std::function<void(std::span<const float> x0, std::span<float> x1)>;

/// This brings the file at `path` to at least n_pairs pairs (whole blocks), and starts it where there is none: a killed
/// generation goes on where it stopped, and a finished one can be extended. Every block is on the disk before the next
/// is begun; one that was cut off or damaged while it was written is made anew.
/// @param go_on called before every block with the number of pairs there are; false: stop here.
/// @returns the number of pairs in the file.
/// @throws InputError if the file is not one of pairs, or of another header (a different teacher, seed, ...; the
/// message
///         says which), or if x1 is not finite: then nothing of that block is kept. BusyError if another process is
///         writing it, IoError with the system's reason if it cannot be written (full, read-only): whole blocks remain.
std::int64_t generate_reflow_pairs(const std::filesystem::path& path, const ReflowPairsHeader& header,
                                   std::int64_t n_pairs, const ReflowTransport& transport,
                                   const std::function<bool(std::int64_t n_done)>& go_on);

/// This reads a file of pairs, mapped into memory: millions of pairs cost the pages that are used. The whole blocks
/// there are at opening count; a generation may be adding more meanwhile. The file must not be shortened while it is
/// open.
class ReflowPairs {
 public:
  /// Checks every block's checksum: about a second per 2 GB.
  /// @throws MissingInputError if there is no such file; InputError if it is not a file of pairs, holds no whole block,
  ///         or a block is damaged (the message names the block and its pairs).
  explicit ReflowPairs(const std::filesystem::path& path);
  ~ReflowPairs();
  ReflowPairs(ReflowPairs&& other) noexcept;
  ReflowPairs(const ReflowPairs&) = delete;
  ReflowPairs& operator=(const ReflowPairs&) = delete;
  ReflowPairs& operator=(ReflowPairs&&) = delete;

  const ReflowPairsHeader& header() const noexcept { return header_; }
  std::int64_t size() const noexcept { return n_pairs_; }

  /// @throws InputError naming both hashes if the pairs are another teacher's, or their dimension or coordinates
  /// others.
  void require(int dimension, const std::string& coordinates, std::uint64_t teacher_hash) const;

  /// Copies the pairs of these numbers. @param x0, x1 [indices.size(), dimension].
  /// @throws InputError if a number is not in [0, size()) or the sizes do not fit.
  void read(std::span<const std::int64_t> indices, std::span<float> x0, std::span<float> x1) const;

 private:
  std::filesystem::path path_;
  ReflowPairsHeader header_;
  std::int64_t n_pairs_ = 0;
  std::byte* memory_ = nullptr;
  std::size_t n_bytes_ = 0;
};

}  // namespace boltzflow
