// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/dcd.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/input_file.hpp"
#include "boltzflow/molecule/output_file.hpp"

// A DCD file is a row of Fortran records: length (int32), bytes, the length again. The first three are the header
// ("CORD" and 20 integers), the title and the number of atoms; then come X, Y and Z of each frame, float32 Angstrom,
// after the unit cell (6 doubles) where header word 10 says so.
namespace boltzflow {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr double nm_per_angstrom = 0.1;
constexpr std::int32_t header_bytes = 84;
constexpr int word_n_frames = 0, word_n_steps = 3, word_n_fixed = 8, word_unit_cell = 10, word_four_dimensions = 11,
              word_version = 19;

std::uint32_t swapped(std::uint32_t word) { return __builtin_bswap32(word); }

class DcdReader {
 public:
  explicit DcdReader(const std::filesystem::path& path) : file_(path) {}

  Frames read() {
    read_header();
    const std::uint64_t record_bytes = 8 + 4 * static_cast<std::uint64_t>(frames_.n_atoms);
    const std::uint64_t frame_bytes = (unit_cell_ ? 8 + 48 : 0) + (four_dimensions_ ? 4 : 3) * record_bytes;
    const std::uint64_t n_whole = file_.remaining() / frame_bytes;
    if (file_.remaining() % frame_bytes != 0)
      fail(fmt::format("the file is cut within frame {} (counted from 0); its header promises {} frames of {} atoms",
                       n_whole, n_frames_, frames_.n_atoms));
    // 0 is what a writer that was interrupted leaves behind.
    if (n_frames_ != 0 && n_frames_ != n_whole)
      fail(fmt::format("the header promises {} frames, but the file holds {}", n_frames_, n_whole));
    frames_.n_frames = static_cast<std::int64_t>(n_whole);
    frames_.positions.resize(n_whole * frames_.n_atoms * 3);
    std::vector<std::uint32_t> coordinates(frames_.n_atoms);
    for (std::uint64_t frame = 0; frame < n_whole; ++frame) {
      if (unit_cell_) {
        expect_mark(48);
        file_.skip(48);
        expect_mark(48);
      }
      for (int axis = 0; axis < 3; ++axis) {
        read_record(coordinates);
        double* out = frames_.positions.data() + frame * frames_.n_atoms * 3 + axis;
        for (std::uint32_t word : coordinates) {
          *out = std::bit_cast<float>(swap_ ? swapped(word) : word) * nm_per_angstrom;
          out += 3;
        }
      }
      if (four_dimensions_) read_record(coordinates);
    }
    return std::move(frames_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw InputError(file_.path().string(), message); }

  std::uint32_t word() {
    std::uint32_t value;
    file_.read(&value, 4);
    return swap_ ? swapped(value) : value;
  }
  void expect_mark(std::uint32_t expected) {
    const std::uint64_t at = file_.position();
    if (const std::uint32_t mark = word(); mark != expected)
      fail(fmt::format("a record mark at byte {} is {}, but must be {}", at, mark, expected));
  }
  void read_record(std::vector<std::uint32_t>& words) {
    const auto n_bytes = static_cast<std::uint32_t>(4 * words.size());
    expect_mark(n_bytes);
    file_.read(words.data(), n_bytes);
    expect_mark(n_bytes);
  }

  void read_header() {
    if (file_.size() < 4 + header_bytes + 4) fail("this is not a DCD file: it is shorter than a DCD header");
    std::uint32_t mark;
    file_.read(&mark, 4);
    swap_ = mark == swapped(header_bytes);
    std::array<char, 4> magic;
    if (mark != header_bytes && !swap_) fail("this is not a DCD file with 32-bit record marks");
    file_.read(magic.data(), 4);
    if (std::string_view(magic.data(), 4) != "CORD")
      fail("this is not a DCD file of coordinates (no \"CORD\" at byte 4)");
    std::array<std::uint32_t, 20> control;
    for (auto& value : control) value = word();
    expect_mark(header_bytes);
    n_frames_ = control[word_n_frames];
    if (control[word_n_fixed] != 0) fail(fmt::format("{} fixed atoms: this is not supported", control[word_n_fixed]));
    const bool charmm = control[word_version] != 0;
    unit_cell_ = charmm && control[word_unit_cell] != 0;
    four_dimensions_ = charmm && control[word_four_dimensions] != 0;
    const std::uint32_t title_bytes = word();
    file_.skip(title_bytes);
    expect_mark(title_bytes);
    expect_mark(4);
    const std::uint32_t n_atoms = word();
    expect_mark(4);
    if (n_atoms < 1 || n_atoms > file_.size() || n_atoms > std::numeric_limits<std::int32_t>::max())
      fail(fmt::format("the header says {} atoms in a file of {} bytes", n_atoms, file_.size()));
    frames_.n_atoms = static_cast<int>(n_atoms);
  }

  InputFile file_;
  Frames frames_;
  bool swap_ = false, unit_cell_ = false, four_dimensions_ = false;
  std::uint64_t n_frames_ = 0;
};

template <class T>
void append_bytes(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

class DcdWriter final : public FrameWriter {
 public:
  DcdWriter(const std::filesystem::path& path, const MolecularSystem& system)
      : file_(path), n_atoms_(system.n_atoms()) {
    constexpr std::int32_t title_lines = 2, title_bytes = 4 + 80 * title_lines;
    std::string text;
    append_bytes(text, header_bytes);
    text += "CORD";
    std::array<std::int32_t, 20> control{};
    control[1] = control[2] = 1;  // first step, steps between frames
    constexpr float time_step = 1;
    std::memcpy(&control[9], &time_step, 4);
    control[word_version] = 24;
    append_bytes(text, control);
    append_bytes(text, header_bytes);
    append_bytes(text, title_bytes);
    append_bytes(text, title_lines);
    text += fmt::format("{:<80}{:<80}", "Written by boltzflow", system.name.substr(0, 80));
    append_bytes(text, title_bytes);
    append_bytes(text, std::int32_t{4});
    append_bytes(text, std::int32_t{n_atoms_});
    append_bytes(text, std::int32_t{4});
    file_.write(text);
  }

  void append(const FrameBatch& batch) override {
    check_batch(batch, n_atoms_, file_.path().string());
    const std::int32_t record_bytes = 4 * n_atoms_;
    std::string text;
    for (std::int64_t frame = 0; frame < batch.n_frames; ++frame) {
      text.clear();
      for (int axis = 0; axis < 3; ++axis) {
        append_bytes(text, record_bytes);
        for (int i = 0; i < n_atoms_; ++i) {
          const double nm = batch.positions[(frame * n_atoms_ + i) * 3 + axis];
          if (std::abs(nm) > 1e30)
            throw InputError(file_.path().string(), fmt::format("frame {}, atom {}: {} nm does not fit into a DCD file",
                                                                n_frames_ + frame, i, nm));
          append_bytes(text, static_cast<float>(nm / nm_per_angstrom));
        }
        append_bytes(text, record_bytes);
      }
      file_.write(text);
    }
    n_frames_ += batch.n_frames;
    if (n_frames_ > std::numeric_limits<std::int32_t>::max())
      throw InputError(file_.path().string(), "a DCD file holds 2147483647 frames at most");
  }

  void finish() override {
    std::string count;
    append_bytes(count, static_cast<std::int32_t>(n_frames_));
    constexpr std::uint64_t control_at = 8;
    file_.overwrite(control_at + 4 * word_n_frames, count);
    file_.overwrite(control_at + 4 * word_n_steps, count);
    file_.commit();
  }

 private:
  OutputFile file_;
  std::int32_t n_atoms_;
  std::int64_t n_frames_ = 0;
};

}  // namespace

Frames read_dcd_frames(const std::filesystem::path& path) { return DcdReader(path).read(); }

std::unique_ptr<FrameWriter> make_dcd_writer(const std::filesystem::path& path, const MolecularSystem& system) {
  return std::make_unique<DcdWriter>(path, system);
}

}  // namespace boltzflow
