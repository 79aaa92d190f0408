// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr std::size_t buffer_size = 1 << 20;

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

OutputFile::OutputFile(std::filesystem::path path)
    : path_(std::move(path)),
      temporary_(folder_of(path_) / ("." + path_.filename().string() + ".partial-" + std::to_string(::getpid()))) {
  descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("cannot create");
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void OutputFile::fail(const char* what) const {
  throw IoError(path_.string() + ": " + what + ": " + std::strerror(errno));
}

void OutputFile::write_at_end(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > buffer_size) flush();
  if (bytes.size() > buffer_size) return write_at_end(bytes);
  buffer_ += bytes;
}

void OutputFile::flush() {
  write_at_end(buffer_);
  buffer_.clear();
}

void OutputFile::overwrite(std::uint64_t offset, std::string_view bytes) {
  flush();
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    offset += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void OutputFile::commit() {
  flush();
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail("cannot sync");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot replace");
  ::close(descriptor_);
  descriptor_ = -1;
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);  // the data is safe already; a file system that cannot sync folders is no error
    ::close(folder);
  }
}

}  // namespace boltzflow
