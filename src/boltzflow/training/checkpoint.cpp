// SPDX-License-Identifier: MIT
#include "boltzflow/training/checkpoint.hpp"

#include <ATen/ops/from_blob.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr std::string_view magic("boltzflow checkpoint 1\n\0", 24);
constexpr std::string_view magic_of_any_version = "boltzflow checkpoint ";
constexpr std::size_t alignment = 64;

/// 64 bits over words of 8 bytes, each mixed by a multiplication and a rotation; finds damage, not malice.
class Checksum {
 public:
  void add(const char* data, std::size_t n_bytes) {
    while (n_bytes > 0) {
      if (n_pending_ == 0)
        for (; n_bytes >= 8; data += 8, n_bytes -= 8) {
          std::uint64_t word;
          std::memcpy(&word, data, 8);
          mix(word);
        }
      for (; n_bytes > 0 && n_pending_ < 8; --n_bytes) pending_[n_pending_++] = *data++;
      if (n_pending_ == 8) flush();
    }
  }
  std::uint64_t value() {
    if (n_pending_ > 0) {
      std::memset(pending_ + n_pending_, 0, 8 - n_pending_);
      flush();
    }
    return state_;
  }

 private:
  void mix(std::uint64_t word) { state_ = std::rotl((state_ ^ word) * 0x9e3779b97f4a7c15u, 29); }
  void flush() {
    std::uint64_t word;
    std::memcpy(&word, pending_, 8);
    mix(word);
    n_pending_ = 0;
  }
  std::uint64_t state_ = 0x243f6a8885a308d3u;
  char pending_[8] = {};
  std::size_t n_pending_ = 0;
};

std::size_t aligned(std::size_t n_bytes) { return (n_bytes + alignment - 1) / alignment * alignment; }

}  // namespace

void CheckpointWriter::add(const std::string& name, const at::Tensor& tensor) {
  kept_alive_.push_back(tensor.detach().cpu().contiguous());
  const at::Tensor& values = kept_alive_.back();
  add_bytes(name, values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()) * sizeof(float));
}

void CheckpointWriter::write(const std::filesystem::path& path) const {
  nlohmann::json table = nlohmann::json::array();
  std::size_t offset = 0;
  for (const Array& array : arrays_) {
    table.push_back({{"name", array.name}, {"offset", offset}, {"n_bytes", array.n_bytes}});
    offset += aligned(array.n_bytes);
  }
  std::string header = nlohmann::json{{"values", values}, {"arrays", table}}.dump();
  header.resize(aligned(magic.size() + 8 + header.size()) - magic.size() - 8, ' ');
  const std::uint64_t header_size = header.size();

  write_file_atomically(path, [&](const std::filesystem::path& temporary) {
    std::ofstream file(temporary, std::ios::binary);
    Checksum checksum;
    const auto put = [&](const char* data, std::size_t n_bytes) {
      file.write(data, static_cast<std::streamsize>(n_bytes));
      checksum.add(data, n_bytes);
    };
    put(magic.data(), magic.size());
    put(reinterpret_cast<const char*>(&header_size), 8);
    put(header.data(), header.size());
    const char padding[alignment] = {};
    for (const Array& array : arrays_) {
      put(static_cast<const char*>(array.data), array.n_bytes);
      put(padding, aligned(array.n_bytes) - array.n_bytes);
    }
    const std::uint64_t sum = checksum.value();
    file.write(reinterpret_cast<const char*>(&sum), 8);
    file.close();
    if (!file) throw IoError(path.string() + ": cannot write the checkpoint: " + std::strerror(errno));
  });
}

CheckpointReader::CheckpointReader(const std::filesystem::path& path) : path_(path.string()) {
  contents_ = read_file(path);
  if (!contents_.starts_with(magic_of_any_version)) fail("this is not a checkpoint of boltzflow");
  if (!contents_.starts_with(magic)) fail("the checkpoint was written by another version of boltzflow");
  if (contents_.size() < magic.size() + 16) fail("the checkpoint is truncated");
  std::uint64_t stored, header_size;
  std::memcpy(&stored, contents_.data() + contents_.size() - 8, 8);
  Checksum checksum;
  checksum.add(contents_.data(), contents_.size() - 8);
  if (checksum.value() != stored) fail("the checkpoint is damaged or truncated (its checksum does not fit)");
  std::memcpy(&header_size, contents_.data() + magic.size(), 8);
  if (header_size > contents_.size() - magic.size() - 16) fail("the checkpoint is damaged (its header is too long)");
  arrays_begin_ = magic.size() + 8 + header_size;
  try {
    values = nlohmann::json::parse(contents_.data() + magic.size() + 8, contents_.data() + arrays_begin_);
    arrays_ = values.at("arrays");
    values = nlohmann::json(values.at("values"));
  } catch (const nlohmann::json::exception& error) {
    fail(std::string("the checkpoint's header is malformed: ") + error.what());
  }
}

std::span<const char> CheckpointReader::find(const std::string& name) const {
  for (const nlohmann::json& array : arrays_) {
    if (array.at("name").get<std::string>() != name) continue;
    const auto offset = array.at("offset").get<std::size_t>(), n_bytes = array.at("n_bytes").get<std::size_t>();
    const std::size_t available = contents_.size() - 8 - arrays_begin_;
    if (offset > available || n_bytes > available - offset) fail("the array \"" + name + "\" lies outside the file");
    return {contents_.data() + arrays_begin_ + offset, n_bytes};
  }
  fail("the array \"" + name + "\" is missing");
}

void CheckpointReader::copy_into(const std::string& name, at::Tensor tensor) const {
  std::vector<float> values = array<float>(name);
  if (static_cast<std::int64_t>(values.size()) != tensor.numel())
    fail("the array \"" + name + "\" has " + std::to_string(values.size()) + " numbers where this run has " +
         std::to_string(tensor.numel()));
  tensor.copy_(at::from_blob(values.data(), tensor.sizes(), at::kFloat));
}

void CheckpointReader::fail(const std::string& what) const { throw InputError(path_, what); }

}  // namespace boltzflow
