// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <list>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace boltzflow {

/// This writes one checkpoint: a header of named values (JSON) and named arrays, in one file with a checksum.
///
/// Layout, little-endian: 24 bytes "boltzflow checkpoint 1\n" and a zero; the header's length, 8 bytes; the header; the
/// arrays, each on a multiple of 64 bytes; the checksum of everything before, 8 bytes.
/// Arrays are written from where they lie; they must outlive the call of write().
class CheckpointWriter {
 public:
  nlohmann::json values = nlohmann::json::object();

  template <class T>
  void add(const std::string& name, const std::vector<T>& array) {
    static_assert(std::is_trivially_copyable_v<T>);
    add_bytes(name, array.data(), array.size() * sizeof(T));
  }
  /// The same for numbers that do not outlive the call.
  void add_copy(const std::string& name, std::vector<double> array) {
    copies_.push_back(std::move(array));
    add(name, copies_.back());
  }
  /// float32, contiguous; a copy is taken of tensors that do not lie on the CPU.
  void add(const std::string& name, const at::Tensor& tensor);

  /// Replaces `path` atomically. @throws IoError.
  void write(const std::filesystem::path& path) const;

 private:
  struct Array {
    std::string name;
    const void* data;
    std::size_t n_bytes;
  };
  void add_bytes(const std::string& name, const void* data, std::size_t n_bytes) {
    arrays_.push_back({name, data, n_bytes});
  }
  std::vector<Array> arrays_;
  std::vector<at::Tensor> kept_alive_;
  std::list<std::vector<double>> copies_;
};

/// This reads a checkpoint back.
class CheckpointReader {
 public:
  /// @throws MissingInputError if there is no such file, InputError if it is no checkpoint, of another version or
  /// damaged.
  explicit CheckpointReader(const std::filesystem::path& path);

  nlohmann::json values;

  /// A value of the header. @throws InputError if it is missing or of another type.
  template <class T>
  T value(const std::string& key) const {
    try {
      return values.at(key).get<T>();
    } catch (const nlohmann::json::exception&) {
      fail("the value \"" + key + "\" is missing or of the wrong type");
    }
  }
  template <class T>
  std::vector<T> array(const std::string& name) const {
    const std::span<const char> bytes = find(name);
    if (bytes.size() % sizeof(T) != 0) fail("the array \"" + name + "\" has a wrong size");
    std::vector<T> array(bytes.size() / sizeof(T));
    if (!bytes.empty()) std::memcpy(array.data(), bytes.data(), bytes.size());
    return array;
  }
  /// Copies a float32 array into a tensor of the same number of elements.
  void copy_into(const std::string& name, at::Tensor tensor) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::span<const char> find(const std::string& name) const;
  std::string path_, contents_;
  nlohmann::json arrays_;
  std::size_t arrays_begin_ = 0;
};

}  // namespace boltzflow
