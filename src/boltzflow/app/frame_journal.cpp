// SPDX-License-Identifier: MIT
#include "boltzflow/app/frame_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr std::size_t buffer_size = 1 << 20;

}  // namespace

FrameJournal::FrameJournal(std::filesystem::path path, int n_replicas, int n_atoms)
    : path_(std::move(path)),
      n_replicas_(static_cast<std::uint64_t>(n_replicas)),
      position_bytes_(3 * sizeof(float) * static_cast<std::uint64_t>(n_atoms)),
      descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) fail("cannot open");
  n_frames_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(status.st_size) / record_bytes());
}

FrameJournal::~FrameJournal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FrameJournal::fail(const char* what) const {
  throw IoError(fmt::format("{}: {}: {}", path_.string(), what, std::strerror(errno)));
}

void FrameJournal::truncate(std::int64_t n_frames) {
  flush();
  if (n_frames > n_frames_)
    throw InputError(path_.string(), fmt::format("holds {} frames, but {} were written before the last checkpoint; the "
                                                 "file was changed, and the simulation has to be begun anew",
                                                 n_frames_, n_frames));
  if (::ftruncate(descriptor_, static_cast<off_t>(static_cast<std::uint64_t>(n_frames) * record_bytes())) != 0)
    fail("cannot cut");
  if (::lseek(descriptor_, 0, SEEK_END) < 0) fail("cannot seek");
  n_frames_ = n_frames;
}

void FrameJournal::append(std::span<const float> positions, std::span<const double> energy) {
  for (const auto bytes : {std::as_bytes(positions), std::as_bytes(energy)}) {
    const auto* const begin = reinterpret_cast<const char*>(bytes.data());
    buffer_.insert(buffer_.end(), begin, begin + bytes.size());
  }
  ++n_frames_;
  if (buffer_.size() >= buffer_size) flush();
}

void FrameJournal::flush() {
  for (std::size_t done = 0; done < buffer_.size();) {
    const ssize_t written = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("cannot write");
    done += static_cast<std::size_t>(written);
  }
  buffer_.clear();
}

void FrameJournal::sync() {
  flush();
  if (::fdatasync(descriptor_) != 0 && errno != EINVAL) fail("cannot sync");
}

void FrameJournal::read_at(std::uint64_t offset, void* bytes, std::size_t n_bytes) const {
  for (std::size_t done = 0; done < n_bytes;) {
    const ssize_t n =
        ::pread(descriptor_, static_cast<char*>(bytes) + done, n_bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) fail("cannot read");
    done += static_cast<std::size_t>(n);
  }
}

void FrameJournal::read(int replica, std::int64_t first, std::int64_t n, std::vector<double>& positions,
                        std::vector<double>& energy) {
  flush();
  std::vector<float> frame(position_bytes_ / sizeof(float));
  const auto r = static_cast<std::uint64_t>(replica);
  for (std::int64_t f = first; f < first + n; ++f) {
    const std::uint64_t record = static_cast<std::uint64_t>(f) * record_bytes();
    read_at(record + r * position_bytes_, frame.data(), position_bytes_);
    positions.insert(positions.end(), frame.begin(), frame.end());
    double value = 0;
    read_at(record + n_replicas_ * position_bytes_ + r * sizeof(double), &value, sizeof value);
    energy.push_back(value);
  }
}

}  // namespace boltzflow
