// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/amber_netcdf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/input_file.hpp"
#include "boltzflow/molecule/output_file.hpp"

// A classic NetCDF file is a header (dimensions, attributes, variables with the byte where each begins), the variables
// of fixed size, and then records: one frame of every variable whose first dimension is the unlimited one. Everything
// is big endian and padded to 4 bytes (Unidata, NetCDF classic format specification). What trajectories hold is in
// Amber's NetCDF trajectory convention, version 1.0.
namespace boltzflow {
namespace {

constexpr double nm_per_angstrom = 0.1;
constexpr std::uint32_t tag_dimension = 10, tag_variable = 11, tag_attribute = 12;
constexpr std::uint32_t type_char = 2, type_float = 5, type_double = 6;

template <class T>
void append_big_endian(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  for (std::size_t i = sizeof(T); i-- > 0;) out += bytes[i];
}

template <class T>
T from_big_endian(const char* bytes) {
  char reversed[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) reversed[i] = bytes[sizeof(T) - 1 - i];
  T value;
  std::memcpy(&value, reversed, sizeof(T));
  return value;
}

constexpr std::uint64_t padded(std::uint64_t n_bytes) { return (n_bytes + 3) / 4 * 4; }

class HeaderWriter {
 public:
  std::string text;
  void word(std::uint32_t value) { append_big_endian(text, value); }
  void name(std::string_view value) {
    word(static_cast<std::uint32_t>(value.size()));
    text += value;
    text.resize(padded(text.size()));  // the header's parts all begin at multiples of 4
  }
  void attributes(std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
    word(values.size() == 0 ? 0 : tag_attribute);
    word(static_cast<std::uint32_t>(values.size()));
    for (const auto& [key, value] : values) {
      name(key);
      word(type_char);
      name(value);
    }
  }
};

class AmberNetcdfWriter final : public FrameWriter {
 public:
  AmberNetcdfWriter(const std::filesystem::path& path, const MolecularSystem& system)
      : file_(path), n_atoms_(system.n_atoms()) {
    // The variable spatial begins where the header ends; its length does not depend on the numbers in it.
    const std::string draft = header(system.name, 0);
    std::string text = header(system.name, draft.size());
    text += "xyz";
    text.resize(padded(text.size()));
    file_.write(text);
  }

  void append(const FrameBatch& batch) override {
    check_batch(batch, n_atoms_, file_.path().string());
    const auto time = batch.arrays.find("time");
    std::string record;
    for (std::int64_t frame = 0; frame < batch.n_frames; ++frame) {
      record.clear();
      append_big_endian(record,
                        static_cast<float>(time == batch.arrays.end() ? static_cast<double>(n_frames_ + frame + 1)
                                                                      : time->second[static_cast<std::size_t>(frame)]));
      for (int c = 0; c < 3 * n_atoms_; ++c) {
        const double nm = batch.positions[static_cast<std::size_t>(frame * 3 * n_atoms_ + c)];
        if (std::abs(nm) > 1e30)
          throw InputError(file_.path().string(), fmt::format("frame {}, atom {}: {} nm does not fit into this file",
                                                              n_frames_ + frame, c / 3, nm));
        append_big_endian(record, static_cast<float>(nm / nm_per_angstrom));
      }
      file_.write(record);
    }
    n_frames_ += batch.n_frames;
    if (n_frames_ > std::numeric_limits<std::int32_t>::max())
      throw InputError(file_.path().string(), "an Amber NetCDF file holds 2147483647 frames at most");
  }

  void finish() override {
    std::string count;
    append_big_endian(count, static_cast<std::uint32_t>(n_frames_));
    file_.overwrite(4, count);  // behind "CDF" and the version
    file_.commit();
  }

 private:
  std::string header(const std::string& title, std::uint64_t begin) const {
    constexpr std::uint32_t frame = 0, spatial = 1, atom = 2;
    const auto n_atoms = static_cast<std::uint32_t>(n_atoms_);
    HeaderWriter h;
    h.text = std::string("CDF\x02", 4);
    h.word(0);  // records, set by finish()
    h.word(tag_dimension);
    h.word(3);
    h.name("frame"), h.word(0);  // unlimited
    h.name("spatial"), h.word(3);
    h.name("atom"), h.word(n_atoms);
    h.attributes({{"title", title},
                  {"application", "boltzflow"},
                  {"program", "boltzflow"},
                  {"programVersion", "1"},
                  {"Conventions", "AMBER"},
                  {"ConventionVersion", "1.0"}});
    h.word(tag_variable);
    h.word(3);
    const auto variable = [&](std::string_view name, std::initializer_list<std::uint32_t> dimensions,
                              std::string_view units, std::uint32_t type, std::uint64_t n_bytes, std::uint64_t at) {
      h.name(name);
      h.word(static_cast<std::uint32_t>(dimensions.size()));
      for (const std::uint32_t d : dimensions) h.word(d);
      if (units.empty())
        h.attributes({});
      else
        h.attributes({{"units", units}});
      h.word(type);
      h.word(static_cast<std::uint32_t>(padded(n_bytes)));
      append_big_endian(h.text, at);
    };
    variable("spatial", {spatial}, "", type_char, 3, begin);
    variable("time", {frame}, "picosecond", type_float, 4, begin + 4);
    variable("coordinates", {frame, atom, spatial}, "angstrom", type_float, 12 * std::uint64_t{n_atoms}, begin + 8);
    return h.text;
  }

  OutputFile file_;
  int n_atoms_;
  std::int64_t n_frames_ = 0;
};

struct Variable {
  std::string name, units;
  std::vector<std::uint64_t> dimensions;  ///< indices
  double scale_factor = 1;
  std::uint32_t type = 0;
  std::uint64_t n_bytes = 0, begin = 0;  ///< n_bytes: of one record where it has records
  bool has_records = false;
};

class AmberNetcdfReader {
 public:
  explicit AmberNetcdfReader(const std::filesystem::path& path) : file_(path) {}

  Frames read() {
    read_header();
    const Variable* const coordinates = find("coordinates");
    if (coordinates == nullptr) fail("this NetCDF file has no variable \"coordinates\"");
    check_coordinates(*coordinates);
    const Variable* time = find("time");
    if (time != nullptr && (!time->has_records || time->dimensions.size() != 1 || !is_number(*time))) time = nullptr;
    // Records come one after the other: the file is read once, from the front.
    const std::uint64_t first = first_record(), n_frames = count_frames(first);
    Frames frames;
    frames.n_frames = static_cast<std::int64_t>(n_frames);
    frames.n_atoms = static_cast<int>(dimensions_[coordinates->dimensions[1]]);
    frames.positions.reserve(n_frames * 3 * static_cast<std::uint64_t>(frames.n_atoms));
    if (n_frames == 0) return frames;
    file_.skip(first - file_.position());
    std::string record(record_bytes_, '\0');
    const double factor =
        coordinates->scale_factor * (coordinates->units.starts_with("nanometer") ? 1 : nm_per_angstrom);
    for (std::uint64_t f = 0; f < n_frames; ++f) {
      file_.read(record.data(), record_bytes_);
      append_numbers(*coordinates, record.data() + (coordinates->begin - first), factor, frames.positions);
      if (time != nullptr)
        append_numbers(*time, record.data() + (time->begin - first), time->scale_factor, frames.arrays["time"]);
    }
    return frames;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw InputError(file_.path().string(), message); }

  template <class T>
  T number() {
    char bytes[sizeof(T)];
    file_.read(bytes, sizeof(T));
    return from_big_endian<T>(bytes);
  }
  /// Counts have 64 bits in version 5; none can be larger than the file.
  std::uint64_t count() {
    const std::uint64_t value = version_ == 5 ? number<std::uint64_t>() : number<std::uint32_t>();
    if (value > file_.size())
      fail(fmt::format("byte {} holds the count {}, more than the file is long", file_.position(), value));
    return value;
  }
  std::string padded_bytes(std::uint64_t n) {
    if (n > file_.remaining()) fail(fmt::format("the header ends early, at byte {}", file_.position()));
    std::string text(n, '\0');
    file_.read(text.data(), n);
    file_.skip(padded(n) - n);
    return text;
  }
  std::string name() { return padded_bytes(count()); }
  std::uint64_t list(std::uint32_t tag, const char* what) {
    const auto found = number<std::uint32_t>();
    const std::uint64_t n = count();
    if (found != tag && !(found == 0 && n == 0)) fail(fmt::format("the list of {} begins with tag {}", what, found));
    return n;
  }

  static std::uint64_t size_of_type(std::uint32_t type) {
    constexpr std::uint64_t sizes[] = {0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8};
    return type < std::size(sizes) ? sizes[type] : 0;
  }
  std::uint64_t checked_type_size(std::uint32_t type) const {
    const std::uint64_t size = size_of_type(type);
    if (size == 0) fail(fmt::format("type {} is unknown", type));
    return size;
  }
  static bool is_number(const Variable& v) { return v.type == type_float || v.type == type_double; }

  void read_attributes(Variable* variable) {
    for (std::uint64_t n = list(tag_attribute, "attributes"); n > 0; --n) {
      const std::string key = name();
      const auto type = number<std::uint32_t>();
      const std::uint64_t size = checked_type_size(type), n_values = count();
      const std::string bytes = padded_bytes(n_values * size);  // both below the length of the file or 8
      if (variable == nullptr || bytes.empty()) continue;
      if (key == "units" && type == type_char) variable->units = bytes;
      if (key == "scale_factor" && type == type_float) variable->scale_factor = from_big_endian<float>(bytes.data());
      if (key == "scale_factor" && type == type_double) variable->scale_factor = from_big_endian<double>(bytes.data());
    }
  }

  void read_header() {
    char magic[4] = {};
    if (file_.size() < 8) fail("this is not a NetCDF file: it is shorter than a header");
    file_.read(magic, 4);
    if (std::string_view(magic, 4) == "\x89HDF")
      fail("this is a NetCDF-4 (HDF5) file; write a classic one, for example with nccopy -k classic");
    version_ = magic[3];
    if (std::string_view(magic, 3) != "CDF" || (version_ != 1 && version_ != 2 && version_ != 5))
      fail("this is not a classic NetCDF file (it does not begin with \"CDF\" and 1, 2 or 5)");
    n_records_ = version_ == 5 ? number<std::uint64_t>() : number<std::uint32_t>();
    is_streaming_ = n_records_ == (version_ == 5 ? ~std::uint64_t{0} : 0xffffffffu);
    for (std::uint64_t n = list(tag_dimension, "dimensions"); n > 0; --n) {
      const std::string key = name();
      dimensions_.push_back(version_ == 5 ? number<std::uint64_t>() : number<std::uint32_t>());
      if (dimensions_.back() > file_.size() && dimensions_.back() > std::numeric_limits<std::int32_t>::max())
        fail(fmt::format("dimension \"{}\" is {}", key, dimensions_.back()));
    }
    read_attributes(nullptr);
    for (std::uint64_t n = list(tag_variable, "variables"); n > 0; --n) read_variable();
    // A single variable with records is not padded between them.
    std::uint64_t n_with_records = 0, unpadded = 0;
    for (const Variable& v : variables_) {
      if (!v.has_records) continue;
      ++n_with_records;
      unpadded = v.n_bytes;
      record_bytes_ += padded(v.n_bytes);
      if (record_bytes_ > std::uint64_t{1} << 60) fail("a frame is too long");
    }
    if (n_with_records == 1) record_bytes_ = unpadded;
  }

  void read_variable() {
    Variable v;
    v.name = name();
    for (std::uint64_t n = count(); n > 0; --n) {
      v.dimensions.push_back(version_ == 5 ? number<std::uint64_t>() : number<std::uint32_t>());
      if (v.dimensions.back() >= dimensions_.size())
        fail(fmt::format("variable \"{}\" has dimension {} of {}", v.name, v.dimensions.back(), dimensions_.size()));
    }
    read_attributes(&v);
    v.type = number<std::uint32_t>();
    v.n_bytes = checked_type_size(v.type);
    v.has_records = !v.dimensions.empty() && dimensions_[v.dimensions[0]] == 0;
    for (std::size_t d = v.has_records ? 1 : 0; d < v.dimensions.size(); ++d) {
      const std::uint64_t length = dimensions_[v.dimensions[d]];
      if (length != 0 && v.n_bytes > (std::uint64_t{1} << 60) / length)
        fail(fmt::format("variable \"{}\" is too large", v.name));
      v.n_bytes *= length;
    }
    (void)count_or_filler();
    v.begin = version_ == 1 ? number<std::uint32_t>() : number<std::uint64_t>();
    variables_.push_back(std::move(v));
  }
  /// The stored size of a variable may be a filler for large ones, and is redundant.
  std::uint64_t count_or_filler() { return version_ == 5 ? number<std::uint64_t>() : number<std::uint32_t>(); }

  const Variable* find(std::string_view name) const {
    for (const Variable& v : variables_)
      if (v.name == name) return &v;
    return nullptr;
  }

  void check_coordinates(const Variable& v) const {
    const bool is_3d = v.has_records && v.dimensions.size() == 3 && dimensions_[v.dimensions[2]] == 3;
    const std::uint64_t n_atoms = is_3d ? dimensions_[v.dimensions[1]] : 0;
    if (!is_3d || !is_number(v) || n_atoms < 1 || n_atoms > std::numeric_limits<std::int32_t>::max())
      fail("\"coordinates\" is not a float or double array [frame, atom, 3] with frame unlimited");
  }

  /// The first byte of the first frame. The variables' places in a record must lie within it.
  std::uint64_t first_record() const {
    std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
    for (const Variable& v : variables_)
      if (v.has_records) first = std::min(first, v.begin);
    for (const Variable& v : variables_)
      if (v.has_records && (v.begin - first > record_bytes_ || v.n_bytes > record_bytes_ - (v.begin - first)))
        fail(fmt::format("variable \"{}\" begins at byte {}, outside of the first frame", v.name, v.begin));
    if (first < file_.position()) fail("the frames begin within the header");
    return first;
  }

  std::uint64_t count_frames(std::uint64_t first) const {
    const std::uint64_t available = first > file_.size() ? 0 : (file_.size() - first) / record_bytes_;
    if (is_streaming_) return available;
    if (n_records_ > available)
      fail(fmt::format("the header promises {} frames, but the file holds {}", n_records_, available));
    return n_records_;
  }

  static void append_numbers(const Variable& v, const char* bytes, double factor, std::vector<double>& out) {
    const std::uint64_t size = size_of_type(v.type);
    for (std::uint64_t at = 0; at < v.n_bytes; at += size)
      out.push_back(factor *
                    (v.type == type_float ? from_big_endian<float>(bytes + at) : from_big_endian<double>(bytes + at)));
  }

  InputFile file_;
  int version_ = 0;
  std::uint64_t n_records_ = 0, record_bytes_ = 0;
  bool is_streaming_ = false;
  std::vector<std::uint64_t> dimensions_;  ///< lengths; 0: unlimited
  std::vector<Variable> variables_;
};

}  // namespace

Frames read_amber_netcdf_frames(const std::filesystem::path& path) { return AmberNetcdfReader(path).read(); }

std::unique_ptr<FrameWriter> make_amber_netcdf_writer(const std::filesystem::path& path,
                                                      const MolecularSystem& system) {
  return std::make_unique<AmberNetcdfWriter>(path, system);
}

}  // namespace boltzflow
