// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_folder.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw IoError(fmt::format("{}: {}: {}", path.string(), what, std::strerror(errno)));
}

int lock_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "lock";
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) fail(path, "cannot open");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    char text[32] = {};
    const ssize_t n = ::pread(lock, text, sizeof text - 1, 0);
    ::close(lock);
    errno = reason;
    if (reason != EWOULDBLOCK) fail(path, "cannot lock");
    const std::string pid(text, n > 0 ? std::strcspn(text, "\n") : 0);
    throw BusyError(fmt::format("{}: process {} is working in this run folder; wait for it to end, or stop it",
                                folder.string(), pid.empty() ? "(unknown)" : pid));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int reason = errno;
    ::close(lock);
    errno = reason;
    fail(path, "cannot write");
  }
  return lock;
}

/// Makes a folder and those above it; false if it was there already.
bool make_folder(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0755) == 0) return true;
  if (errno != EEXIST) fail(path, "cannot make this folder");
  return false;
}

}  // namespace

bool is_run_folder(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path / "config.toml", error) ||
         std::filesystem::is_regular_file(path / "manifest.json", error);
}

RunFolder RunFolder::create(const std::filesystem::path& wanted, const std::string& name) {
  std::filesystem::path path = wanted;
  if (path.empty()) {
    const std::string date = fmt::format("{:%Y-%m-%d}", fmt::localtime(std::time(nullptr)));
    int n = 1;
    do path = std::filesystem::path("runs") / fmt::format("{}-{}-{}", name, date, n++);
    while (!make_folder(path));
  } else {
    while (!path.has_filename() && path.has_relative_path()) path = path.parent_path();  // "runs/a/"
    if (!make_folder(path)) {
      if (is_run_folder(path)) {
        throw Error(ExitStatus::usage,
                    fmt::format("{}: there is a run in this folder already; go on with it by `boltzflow "
                                "train --resume {}`, or name another folder",
                                path.string(), path.string()));
      }
      if (!std::filesystem::is_directory(path))
        throw Error(ExitStatus::usage, fmt::format("{}: is a file; name a new folder for the run", path.string()));
      if (!std::filesystem::is_empty(path))
        throw Error(ExitStatus::usage, fmt::format("{}: is not empty and no run; name a new folder", path.string()));
    }
  }
  RunFolder folder(path, lock_folder(path));
  std::error_code error;
  std::filesystem::create_directory(folder.checkpoints(), error);
  if (error) throw IoError(fmt::format("{}: {}", folder.checkpoints().string(), error.message()));
  return folder;
}

RunFolder RunFolder::open(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path))
    throw MissingInputError(fmt::format("{}: there is no such run folder", path.string()));
  if (!is_run_folder(path))
    throw MissingInputError(
        fmt::format("{}: is no run folder (it has neither config.toml nor manifest.json)", path.string()));
  return RunFolder(path, lock_folder(path));
}

RunFolder::RunFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ < 0) return;
  // Emptied but not removed: removing it would let a third process lock a new file while a second waits for this one.
  [[maybe_unused]] const int ignored = ::ftruncate(lock_, 0);
  ::close(lock_);
}

}  // namespace boltzflow
