// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/xtc.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/input_file.hpp"
#include "boltzflow/molecule/output_file.hpp"

// What we call of chemfiles' C interface (version 0.10): its wheel brings no headers.
extern "C" {
struct CHFL_TRAJECTORY;
struct CHFL_FRAME;
struct CHFL_PROPERTY;
enum chfl_status { CHFL_SUCCESS = 0 };  // others are errors
CHFL_TRAJECTORY* chfl_trajectory_with_format(const char* path, char mode, const char* format);
chfl_status chfl_trajectory_read(CHFL_TRAJECTORY* trajectory, CHFL_FRAME* frame);
chfl_status chfl_trajectory_write(CHFL_TRAJECTORY* trajectory, const CHFL_FRAME* frame);
void chfl_trajectory_close(const CHFL_TRAJECTORY* trajectory);
CHFL_FRAME* chfl_frame();
chfl_status chfl_frame_resize(CHFL_FRAME* frame, std::uint64_t n_atoms);
chfl_status chfl_frame_positions(CHFL_FRAME* frame, double (**positions)[3], std::uint64_t* n_atoms);
chfl_status chfl_frame_set_step(CHFL_FRAME* frame, std::uint64_t step);
chfl_status chfl_frame_set_property(CHFL_FRAME* frame, const char* name, const CHFL_PROPERTY* property);
CHFL_PROPERTY* chfl_property_double(double value);
chfl_status chfl_set_warning_callback(void (*callback)(const char* message));
const char* chfl_last_error();
void chfl_free(const void* object);
}

namespace boltzflow {
namespace {

constexpr double nm_per_angstrom = 0.1, precision = 1e6;  // steps per nm
constexpr std::int32_t first_small = 9, last_small = 72;  // rows of the table of sizes that compressed atoms use
// Coordinates are stored as 32-bit integers.
constexpr double largest_coordinate = static_cast<double>(std::numeric_limits<std::int32_t>::max()) / precision;

struct Free {
  void operator()(const void* object) const { chfl_free(object); }
};
struct Close {
  void operator()(const CHFL_TRAJECTORY* trajectory) const { chfl_trajectory_close(trajectory); }
};
using Trajectory = std::unique_ptr<CHFL_TRAJECTORY, Close>;
using Frame = std::unique_ptr<CHFL_FRAME, Free>;

/// Opens a file; what goes wrong is said by us, once, not by chemfiles on the standard error stream as well.
Trajectory open(const std::filesystem::path& path, char mode) {
  chfl_set_warning_callback([](const char*) {});
  return Trajectory(chfl_trajectory_with_format(path.c_str(), mode, "XTC"));
}

/// Walks through the frames' headers, so that chemfiles sees whole files only: it takes a file that ends within a frame
/// for a shorter one, and asks for memory by the number of atoms in a header. Everything is big endian:
///
///     int32 1995, atoms, step;  float time, box[9];  int32 atoms;  up to 9 atoms: float[3 atoms], else
///     float precision;  int32 least[3], most[3], small, n_bytes;  n_bytes of compressed coordinates, filled up to 4
///
/// Returns the number of frames. A coordinate takes a bit at least. @throws InputError.
std::uint64_t check_frames(const std::filesystem::path& path) {
  InputFile file(path);
  const auto number = [&] {
    unsigned char bytes[4];
    file.read(bytes, sizeof bytes);
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
  };
  std::uint64_t n_frames = 0;
  std::uint32_t n_atoms = 0;
  for (; file.remaining() > 0; ++n_frames) {
    const auto fail = [&](const std::string& what) {
      throw InputError(path.string(), fmt::format("frame {} (counted from 0) {}", n_frames, what));
    };
    if (const std::uint32_t magic = number(); magic != 1995)
      fail(fmt::format("does not begin with XTC's number 1995 but with {}", magic));
    const std::uint32_t n = number();
    if (n_frames == 0) n_atoms = n;
    if (n != n_atoms) fail(fmt::format("has {} atoms, the first has {}", n, n_atoms));
    if (n == 0 || n > 8 * file.size()) fail(fmt::format("claims {} atoms in {} bytes", n, file.size()));
    file.skip(4 + 4 + 36);
    if (const std::uint32_t again = number(); again != n) fail(fmt::format("has {} atoms, then {}", n, again));
    if (n <= 9) {
      file.skip(12 * std::uint64_t{n});
      continue;
    }
    file.skip(4);
    std::array<std::int32_t, 7> ranges{};  // least, most, small
    for (std::int32_t& value : ranges) value = static_cast<std::int32_t>(number());
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (ranges[axis] > ranges[axis + 3]) fail("is damaged: its largest coordinate is below its least");
    if (ranges[6] < first_small || ranges[6] > last_small)
      fail(fmt::format("is damaged: it asks for row {} of a table from {} to {}", ranges[6], first_small, last_small));
    const std::uint64_t n_bytes = number();
    if (n_bytes == 0) fail("is damaged: it holds no coordinates");
    file.skip((n_bytes + 3) / 4 * 4);
  }
  if (n_frames == 0) throw InputError(path.string(), "the trajectory has no frames");
  return n_frames;
}

/// A file in memory that has a path.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("boltzflow-xtc", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw IoError(fmt::format("cannot make a file in memory: {}", std::strerror(errno)));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  int descriptor() const noexcept { return descriptor_; }
  std::string contents() const {
    std::string bytes(static_cast<std::size_t>(std::filesystem::file_size(path())), '\0');
    std::size_t n_read = 0;
    while (n_read < bytes.size()) {
      const auto n = pread(descriptor_, bytes.data() + n_read, bytes.size() - n_read, static_cast<off_t>(n_read));
      if (n <= 0) throw IoError(fmt::format("cannot read a file in memory: {}", std::strerror(errno)));
      n_read += static_cast<std::size_t>(n);
    }
    return bytes;
  }

 private:
  int descriptor_;
};

std::span<double> coordinates_of(const Frame& frame) {
  double(*positions)[3] = nullptr;
  std::uint64_t n_atoms = 0;
  if (chfl_frame_positions(frame.get(), &positions, &n_atoms) != CHFL_SUCCESS) return {};
  return {n_atoms == 0 ? nullptr : positions[0], 3 * n_atoms};
}

/// chemfiles writes through a map of the file into memory, where a full disk would be a signal. So it writes some
/// frames at a time to a file in memory, and we append its bytes: an XTC file is its frames, one after the other.
class XtcWriter final : public FrameWriter {
 public:
  XtcWriter(const std::filesystem::path& path, int n_atoms) : file_(path), n_atoms_(n_atoms), frame_(chfl_frame()) {
    check(frame_ && chfl_frame_resize(frame_.get(), static_cast<std::uint64_t>(n_atoms)) == CHFL_SUCCESS);
    set("xtc_precision", precision);
  }

  void append(const FrameBatch& batch) override {
    check_batch(batch, n_atoms_, file_.path().string());
    const auto largest =
        std::ranges::find_if(batch.positions, [](double x) { return std::abs(x) >= largest_coordinate; });
    if (largest != batch.positions.end())
      throw InputError(file_.path().string(),
                       fmt::format("a coordinate of {:g} nm does not fit into XTC's integers", *largest));
    for (std::int64_t first = 0; first < batch.n_frames; first += frames_at_a_time)
      append(batch, first, std::min(batch.n_frames, first + frames_at_a_time));
  }

  void finish() override { file_.commit(); }

 private:
  static constexpr std::int64_t frames_at_a_time = 1000;

  void append(const FrameBatch& batch, std::int64_t first, std::int64_t last) {
    const MemoryFile memory;
    Trajectory trajectory = open(memory.path(), 'w');
    check(trajectory != nullptr);
    const auto time = batch.arrays.find("time");
    const std::size_t width = 3 * static_cast<std::size_t>(n_atoms_);
    for (auto n = static_cast<std::size_t>(first); n < static_cast<std::size_t>(last); ++n, ++n_written_) {
      const std::span<double> coordinates = coordinates_of(frame_);
      check(coordinates.size() == width);
      std::ranges::transform(batch.positions.subspan(n * width, width), coordinates.begin(),
                             [](double x) { return x / nm_per_angstrom; });
      check(chfl_frame_set_step(frame_.get(), n_written_) == CHFL_SUCCESS);
      set("time", time == batch.arrays.end() ? static_cast<double>(n_written_) : time->second[n]);
      check(chfl_trajectory_write(trajectory.get(), frame_.get()) == CHFL_SUCCESS);
    }
    trajectory.reset();  // writes what is left
    file_.write(memory.contents());
  }
  void check(bool fine) const {
    if (!fine)
      throw IoError(fmt::format("{}: cannot write the trajectory: {}", file_.path().string(), chfl_last_error()));
  }
  void set(const char* name, double value) {
    const std::unique_ptr<CHFL_PROPERTY, Free> property(chfl_property_double(value));
    check(property && chfl_frame_set_property(frame_.get(), name, property.get()) == CHFL_SUCCESS);
  }

  OutputFile file_;
  int n_atoms_;
  Frame frame_;
  std::uint64_t n_written_ = 0;
};

/// Decodes all frames into `descriptor`, float64 nm, or leaves there what went wrong, and ends the process. On damaged
/// files chemfiles (0.10.4) writes beyond its memory, so that it decodes in a process of its own.
[[noreturn]] void decode(const std::filesystem::path& path, std::uint64_t n_frames, int descriptor) {
  const auto write_all = [&](const void* data, std::size_t n_bytes) {
    const char* bytes = static_cast<const char*>(data);
    while (n_bytes > 0) {
      const ssize_t n = write(descriptor, bytes, n_bytes);
      if (n <= 0) _exit(2);
      bytes += n, n_bytes -= static_cast<std::size_t>(n);
    }
  };
  const Trajectory trajectory = open(path, 'r');
  const Frame frame(chfl_frame());
  std::vector<double> positions;
  for (std::uint64_t n = 0; n < n_frames; ++n) {
    if (!trajectory || !frame || chfl_trajectory_read(trajectory.get(), frame.get()) != CHFL_SUCCESS) {
      const std::string message = fmt::format("frame {} (counted from 0): {}", n, chfl_last_error());
      if (ftruncate(descriptor, 0) != 0 || lseek(descriptor, 0, SEEK_SET) != 0) _exit(2);
      write_all(message.data(), message.size());
      _exit(1);
    }
    positions.clear();
    for (const double x : coordinates_of(frame)) positions.push_back(x * nm_per_angstrom);
    write_all(positions.data(), positions.size() * sizeof(double));
  }
  _exit(0);
}

}  // namespace

Frames read_xtc_frames(const std::filesystem::path& path) {
  const std::uint64_t n_frames = check_frames(path);
  const MemoryFile memory;
  const pid_t child = fork();
  if (child < 0) throw IoError(fmt::format("{}: cannot begin a process: {}", path.string(), std::strerror(errno)));
  if (child == 0) decode(path, n_frames, memory.descriptor());
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      throw IoError(fmt::format("{}: waiting for a process: {}", path.string(), std::strerror(errno)));
  const std::string result = memory.contents();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw InputError(path.string(), fmt::format("the trajectory is damaged: {}",
                                                WIFEXITED(status) ? result : "its coordinates cannot be decoded"));
  Frames frames;
  frames.n_frames = static_cast<std::int64_t>(n_frames);
  frames.positions.resize(result.size() / sizeof(double));
  std::memcpy(frames.positions.data(), result.data(), frames.positions.size() * sizeof(double));
  frames.n_atoms = static_cast<int>(frames.positions.size() / 3 / n_frames);
  return frames;
}

std::unique_ptr<FrameWriter> make_xtc_writer(const std::filesystem::path& path, const MolecularSystem& system) {
  return std::make_unique<XtcWriter>(path, system.n_atoms());
}

}  // namespace boltzflow
