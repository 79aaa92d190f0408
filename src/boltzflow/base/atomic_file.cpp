// SPDX-License-Identifier: MIT
#include "boltzflow/base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw IoError(path.string() + ": " + what + ": " + std::strerror(errno));
}

void sync_path(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) fail(path, "cannot open to sync");
  const bool failed = ::fsync(descriptor) != 0 && errno != EINVAL;  // EINVAL: not a file system that syncs
  const int saved = errno;
  ::close(descriptor);
  errno = saved;
  if (failed) fail(path, "cannot sync");
}

struct Temporary {
  std::filesystem::path path;
  bool kept = false;
  ~Temporary() {
    if (!kept) ::unlink(path.c_str());
  }
};

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const std::filesystem::path&)>& write) {
  Temporary temporary{folder_of(path) / ("." + path.filename().string() + ".partial-" + std::to_string(::getpid()))};
  write(temporary.path);
  sync_path(temporary.path, O_RDONLY);
  if (::rename(temporary.path.c_str(), path.c_str()) != 0) fail(path, "cannot replace");
  temporary.kept = true;
  sync_path(folder_of(path), O_RDONLY | O_DIRECTORY);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view contents) {
  write_file_atomically(path, [&](const std::filesystem::path& temporary) {
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) fail(path, "cannot create");
    std::string_view rest = contents;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor, rest.data(), rest.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        const int saved = errno;
        ::close(descriptor);
        errno = saved;
        fail(path, "cannot write");
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::close(descriptor) != 0) fail(path, "cannot write");
  });
}

std::string read_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw MissingInputError(path.string() + ": " + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) throw MissingInputError(path.string() + ": is a folder, not a file");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw MissingInputError(path.string() + ": " + std::strerror(errno));
  std::string contents;
  char block[1 << 16];
  while (true) {
    const ssize_t n = ::read(descriptor, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int saved = errno;
      ::close(descriptor);
      errno = saved;
      fail(path, "cannot read");
    }
    if (n == 0) break;
    contents.append(block, static_cast<std::size_t>(n));
  }
  ::close(descriptor);
  return contents;
}

}  // namespace boltzflow
