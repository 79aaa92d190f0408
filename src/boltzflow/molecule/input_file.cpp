// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  struct stat status {};
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const int saved = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw MissingInputError(path_.string() + ": " + std::strerror(saved));
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw MissingInputError(path_.string() + ": this is not a regular file");
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read(void* bytes, std::uint64_t n_bytes) {
  if (n_bytes > remaining())
    throw InputError(path_.string(), "the file ends early: " + std::to_string(n_bytes) + " bytes are expected, " +
                                         std::to_string(remaining()) + " are left at byte " +
                                         std::to_string(position_));
  auto* out = static_cast<char*>(bytes);
  while (n_bytes > 0) {
    const ssize_t got = ::pread(descriptor_, out, n_bytes, static_cast<off_t>(position_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(path_.string() + ": cannot read: " + std::strerror(errno));
    if (got == 0) throw IoError(path_.string() + ": the file became shorter while it was read");
    out += got;
    position_ += static_cast<std::uint64_t>(got);
    n_bytes -= static_cast<std::uint64_t>(got);
  }
}

void InputFile::skip(std::uint64_t n_bytes) {
  if (n_bytes > remaining()) throw InputError(path_.string(), "the file ends early, at byte " + std::to_string(size_));
  position_ += n_bytes;
}

}  // namespace boltzflow
