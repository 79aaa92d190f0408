// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "boltzflow/molecule/frames.hpp"
#include "boltzflow/molecule/output_file.hpp"

namespace boltzflow {

enum class NumberType { float32, float64, int32, int64 };

std::size_t size_of(NumberType type) noexcept;

template <class T>
constexpr NumberType number_type_of() {
  if constexpr (std::is_same_v<T, float>)
    return NumberType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return NumberType::float64;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return NumberType::int32;
  else {
    static_assert(std::is_same_v<T, std::int64_t>, "NumPy files hold float, double, int32 and int64 here");
    return NumberType::int64;
  }
}

/// A NumPy array in C order.
struct NpyArray {
  NumberType type = NumberType::float64;
  std::vector<std::int64_t> shape;  ///< empty: a single number
  std::vector<std::byte> data;

  std::int64_t size() const;              ///< the number of elements
  std::vector<double> to_double() const;  ///< the elements, whatever their type
};

/// This reads a .npy file (format 1, 2 or 3; little endian, C order; float32, float64, int32, int64).
/// @throws MissingInputError, IoError; InputError for another format or type, or a length that disagrees with the
/// shape.
NpyArray read_npy(const std::filesystem::path& path);

/// The type and shape that begin every .npy file.
struct NpyHeader {
  NumberType type = NumberType::float64;
  std::vector<std::int64_t> shape;
  std::uint64_t n_bytes = 0;  ///< of the array behind the header
};

/// Where .npy bytes come from: a file, or an entry of an archive.
struct NpySource {
  std::function<void(void* bytes, std::uint64_t n_bytes)> read;  ///< throws InputError where the bytes end
  std::uint64_t size;                                            ///< of the whole .npy, header included
  std::string origin;                                            ///< begins every error
};

/// Reads the header and checks that the array behind it is exactly what is left of the source.
NpyHeader read_npy_header(const NpySource& source);
NpyArray read_npy_array(const NpySource& source);

/// Writes an array row by row: the first dimension grows with every append, and the header is completed by finish().
class NpyWriter {
 public:
  /// @param row_shape the dimensions after the first; {n_atoms, 3} for positions, {} for one number a row.
  NpyWriter(const std::filesystem::path& path, NumberType type, std::vector<std::int64_t> row_shape);

  /// Appends whole rows. @throws InputError if T is not the array's type or the size is not a whole number of rows,
  /// IoError.
  template <class T>
  void append(std::span<const T> values) {
    append_bytes(number_type_of<T>(), std::as_bytes(values));
  }
  std::int64_t n_rows() const noexcept { return n_rows_; }

  void finish();  ///< completes the header and gives the file its name

  /// Completes the header and leaves the array under temporary_path(), which is removed with this writer: for archives.
  void complete();
  const std::filesystem::path& temporary_path() const noexcept { return file_.temporary_path(); }

 private:
  void append_bytes(NumberType type, std::span<const std::byte> bytes);
  std::string header() const;

  OutputFile file_;
  NumberType type_;
  std::vector<std::int64_t> row_shape_;
  std::uint64_t row_bytes_;
  std::int64_t n_rows_ = 0;
};

Frames read_npy_frames(const std::filesystem::path& path);
std::unique_ptr<FrameWriter> make_npy_writer(const std::filesystem::path& path, const MolecularSystem& system);

/// Checks the shape [frames, atoms, 3] and makes Frames of an array. @throws InputError that begins with `origin`.
Frames frames_from_array(const NpyArray& array, const std::string& origin);

}  // namespace boltzflow
