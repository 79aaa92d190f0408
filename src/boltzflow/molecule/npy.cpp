// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/npy.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/input_file.hpp"
#include "boltzflow/molecule/text_number.hpp"

// The format: "\x93NUMPY", version, length of the header, and a Python dictionary
// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } padded with blanks and a newline to a multiple of 64
// bytes.
namespace boltzflow {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view magic = "\x93NUMPY";

struct NamedType {
  NumberType type;
  std::string_view description;
  std::size_t size;
};
constexpr NamedType types[] = {{NumberType::float32, "<f4", 4},
                               {NumberType::float64, "<f8", 8},
                               {NumberType::int32, "<i4", 4},
                               {NumberType::int64, "<i8", 8}};

const NamedType& named(NumberType type) { return types[static_cast<int>(type)]; }

/// Reads the dictionary of a header: three keys in any order, nothing else.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& origin) : text_(text), origin_(origin) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        header.type = type();
        has_type = true;
      } else if (key == "fortran_order") {
        if (accept_word("True"))
          throw InputError(origin_, "this array is in Fortran order; save it with numpy.ascontiguousarray");
        if (!accept_word("False")) fail();
        has_order = true;
      } else if (key == "shape") {
        header.shape = shape();
        has_shape = true;
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (!text_.empty() || !has_type || !has_order || !has_shape) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const { throw InputError(origin_, "the header of this NumPy array is malformed"); }

  void skip_blanks() {
    const std::size_t first = text_.find_first_not_of(" \t\r\n");
    text_.remove_prefix(std::min(first, text_.size()));
  }
  bool accept(char c) {
    skip_blanks();
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool accept_word(std::string_view word) {
    skip_blanks();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string string() {
    skip_blanks();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) fail();
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) fail();
    const std::string out(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return out;
  }
  NumberType type() {
    skip_blanks();
    if (!text_.empty() && text_[0] == '[') throw InputError(origin_, "structured NumPy arrays are not supported");
    const std::string description = string();
    for (const NamedType& known : types)
      if (known.description == description) return known.type;
    throw InputError(origin_, fmt::format("the NumPy type \"{}\" is not supported; save the array as float32, float64, "
                                          "int32 or int64 (little endian)",
                                          description.substr(0, 20)));
  }
  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> out;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      const std::size_t end = std::min(text_.find_first_not_of("0123456789"), text_.size());
      const auto dimension = number_in<std::int64_t>(text_.substr(0, end));
      if (!dimension || out.size() >= 32) fail();
      out.push_back(*dimension);
      text_.remove_prefix(end);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return out;
  }

  std::string_view text_;
  const std::string& origin_;
};

std::string header_text(NumberType type, const std::vector<std::int64_t>& shape, std::size_t total_bytes) {
  std::string dictionary = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                       named(type).description, fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const std::size_t needed = magic.size() + 4 + dictionary.size() + 1;
  const std::size_t total = std::max(total_bytes, (needed + 63) / 64 * 64);
  dictionary.resize(total - magic.size() - 4 - 1, ' ');
  dictionary += '\n';
  std::string out(magic);
  out += '\1';
  out += '\0';
  out += static_cast<char>(dictionary.size() & 0xff);
  out += static_cast<char>(dictionary.size() >> 8);
  return out + dictionary;
}

template <class T>
void convert(const std::vector<std::byte>& bytes, std::vector<double>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<double>(value);
  }
}

NpySource source_of(InputFile& file) {
  return {[&file](void* bytes, std::uint64_t n_bytes) { file.read(bytes, n_bytes); }, file.size(),
          file.path().string()};
}

class NpyFrameWriter final : public FrameWriter {
 public:
  NpyFrameWriter(const std::filesystem::path& path, int n_atoms)
      : writer_(path, NumberType::float64, {n_atoms, 3}), n_atoms_(n_atoms), origin_(path.string()) {}
  void append(const FrameBatch& batch) override {
    check_batch(batch, n_atoms_, origin_);
    writer_.append(batch.positions);
  }
  void finish() override { writer_.finish(); }

 private:
  NpyWriter writer_;
  int n_atoms_;
  std::string origin_;
};

}  // namespace

std::size_t size_of(NumberType type) noexcept { return named(type).size; }

std::int64_t NpyArray::size() const { return static_cast<std::int64_t>(data.size() / size_of(type)); }

std::vector<double> NpyArray::to_double() const {
  std::vector<double> out(static_cast<std::size_t>(size()));
  switch (type) {
    case NumberType::float32:
      convert<float>(data, out);
      break;
    case NumberType::float64:
      convert<double>(data, out);
      break;
    case NumberType::int32:
      convert<std::int32_t>(data, out);
      break;
    case NumberType::int64:
      convert<std::int64_t>(data, out);
      break;
  }
  return out;
}

NpyHeader read_npy_header(const NpySource& source) {
  std::array<unsigned char, 8> start{};
  if (source.size < 10) throw InputError(source.origin, "this is not a NumPy array: it is too short");
  source.read(start.data(), start.size());
  if (std::memcmp(start.data(), magic.data(), magic.size()) != 0)
    throw InputError(source.origin, "this is not a NumPy array (.npy)");
  const int version = start[6];
  if (version < 1 || version > 3)
    throw InputError(source.origin, fmt::format("version {} of the NumPy format is not supported", version));
  const std::uint64_t length_bytes = version == 1 ? 2 : 4;
  std::uint32_t length = 0;
  std::uint64_t rest = source.size - start.size();
  if (rest >= length_bytes) source.read(&length, length_bytes), rest -= length_bytes;
  if (length == 0 || length > rest || length > 65536)
    throw InputError(source.origin, "the header of this NumPy array is cut or malformed");
  std::string text(length, '\0');
  source.read(text.data(), length);
  rest -= length;
  NpyHeader header = HeaderParser(text, source.origin).parse();
  header.n_bytes = size_of(header.type);
  for (std::int64_t dimension : header.shape)
    if (__builtin_mul_overflow(header.n_bytes, static_cast<std::uint64_t>(dimension), &header.n_bytes))
      throw InputError(source.origin, fmt::format("the shape ({}) is impossibly large", fmt::join(header.shape, ", ")));
  if (header.n_bytes != rest)
    throw InputError(source.origin, fmt::format("the shape ({}) needs {} bytes, but {} are there; is the file cut?",
                                                fmt::join(header.shape, ", "), header.n_bytes, rest));
  return header;
}

NpyArray read_npy_array(const NpySource& source) {
  NpyHeader header = read_npy_header(source);
  NpyArray array{header.type, std::move(header.shape), std::vector<std::byte>(header.n_bytes)};
  source.read(array.data.data(), header.n_bytes);
  return array;
}

NpyArray read_npy(const std::filesystem::path& path) {
  InputFile file(path);
  return read_npy_array(source_of(file));
}

NpyWriter::NpyWriter(const std::filesystem::path& path, NumberType type, std::vector<std::int64_t> row_shape)
    : file_(path), type_(type), row_shape_(std::move(row_shape)), row_bytes_(size_of(type)) {
  for (std::int64_t dimension : row_shape_) row_bytes_ *= static_cast<std::uint64_t>(dimension);
  if (row_bytes_ == 0) throw InputError(path.string(), "an array of empty rows cannot be written");
  file_.write(header());
}

std::string NpyWriter::header() const {
  const auto text_for = [&](std::int64_t n_rows, std::size_t total_bytes) {
    std::vector<std::int64_t> shape{n_rows};
    shape.insert(shape.end(), row_shape_.begin(), row_shape_.end());
    return header_text(type_, shape, total_bytes);
  };
  // Room for any count, so that the header keeps its length when the count becomes known.
  return text_for(n_rows_, text_for(std::numeric_limits<std::int64_t>::max(), 0).size());
}

void NpyWriter::append_bytes(NumberType type, std::span<const std::byte> bytes) {
  if (type != type_ || bytes.size() % row_bytes_ != 0)
    throw InputError(file_.path().string(),
                     fmt::format("{} bytes of {} do not make rows of {} ({} bytes each)", bytes.size(),
                                 named(type).description, named(type_).description, row_bytes_));
  file_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  n_rows_ += static_cast<std::int64_t>(bytes.size() / row_bytes_);
}

void NpyWriter::complete() {
  file_.overwrite(0, header());
  file_.flush();
}

void NpyWriter::finish() {
  complete();
  file_.commit();
}

Frames frames_from_array(const NpyArray& array, const std::string& origin) {
  if (array.shape.size() != 3 || array.shape[2] != 3 || array.shape[1] < 1 ||
      array.shape[1] > std::numeric_limits<int>::max())
    throw InputError(origin, fmt::format("the array has the shape ({}), but must be [frames, atoms, 3]",
                                         fmt::join(array.shape, ", ")));
  if (array.type != NumberType::float32 && array.type != NumberType::float64)
    throw InputError(origin, "the array holds integers, but positions are float32 or float64, in nm");
  return {array.shape[0], static_cast<int>(array.shape[1]), array.to_double(), {}};
}

Frames read_npy_frames(const std::filesystem::path& path) { return frames_from_array(read_npy(path), path.string()); }

std::unique_ptr<FrameWriter> make_npy_writer(const std::filesystem::path& path, const MolecularSystem& system) {
  return std::make_unique<NpyFrameWriter>(path, system.n_atoms());
}

}  // namespace boltzflow
