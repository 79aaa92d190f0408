// SPDX-License-Identifier: MIT
// A file of reflow pairs, little-endian:
//     "boltzflow pairs\n"   16 bytes
//     uint64 version, uint64 size of the header's text, uint64 FNV-1a of that text
//     the header, JSON, and zeros up to byte 4096
//     blocks: block_size x dimension float32 of x1, then uint64, their checksum
#include "boltzflow/training/reflow_pairs.hpp"

#include <ATen/core/Tensor.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "boltzflow/base/checksum.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is written as it lies in memory");

constexpr std::string_view magic = "boltzflow pairs\n";
constexpr std::uint64_t format_version = 1;
constexpr std::size_t text_offset = magic.size() + 3 * sizeof(std::uint64_t);
constexpr std::size_t header_size = 4096;
constexpr std::int64_t largest_dimension = 1'000'000, largest_block = 1'000'000;

std::size_t values_size(const ReflowPairsHeader& header) {
  return static_cast<std::size_t>(header.block_size) * static_cast<std::size_t>(header.dimension) * sizeof(float);
}
std::size_t stored_block_size(const ReflowPairsHeader& header) { return values_size(header) + sizeof(std::uint64_t); }

std::string header_bytes(const ReflowPairsHeader& header) {
  if (header.dimension < 1 || header.dimension > largest_dimension || header.block_size < 1 ||
      header.block_size > largest_block)
    throw InputError(fmt::format("reflow pairs of dimension {} in blocks of {} cannot be stored", header.dimension,
                                 header.block_size));
  const std::string text = nlohmann::json{
      {"dimension", header.dimension},
      {"block_size", header.block_size},
      {"seed", header.seed},
      {"teacher_hash", header.teacher_hash},
      {"coordinates",
       header.coordinates}}.dump();
  if (text_offset + text.size() > header_size)
    throw InputError(
        fmt::format("the description of the pairs' coordinates is too long: {} characters", header.coordinates.size()));
  std::string bytes(magic);
  for (const std::uint64_t number :
       {format_version, std::uint64_t{text.size()}, checksum_of_words(text.data(), text.size())}) {
    char word[sizeof number];
    std::memcpy(word, &number, sizeof number);
    bytes.append(word, sizeof number);
  }
  bytes += text;
  bytes.resize(header_size, '\0');
  return bytes;
}

ReflowPairsHeader parse_header(const std::string& path, std::string_view bytes) {
  if (bytes.size() < header_size || !bytes.starts_with(magic))
    throw InputError(path, "is not a file of reflow pairs, or its beginning was cut off");
  std::uint64_t numbers[3];
  std::memcpy(numbers, bytes.data() + magic.size(), sizeof numbers);
  if (numbers[0] != format_version)
    throw InputError(path, fmt::format("is a file of reflow pairs of version {}; this program reads version {}",
                                       numbers[0], format_version));
  if (numbers[1] > header_size - text_offset || checksum_of_words(bytes.data() + text_offset, numbers[1]) != numbers[2])
    throw InputError(path, "the header of the reflow pairs is damaged; generate the file anew");
  try {
    const auto json = nlohmann::json::parse(bytes.substr(text_offset, numbers[1]));
    ReflowPairsHeader header;
    json.at("dimension").get_to(header.dimension);
    json.at("block_size").get_to(header.block_size);
    json.at("seed").get_to(header.seed);
    json.at("teacher_hash").get_to(header.teacher_hash);
    json.at("coordinates").get_to(header.coordinates);
    static_cast<void>(header_bytes(header));  // the bounds
    return header;
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path, fmt::format("the header of the reflow pairs cannot be read: {}", error.what()));
  }
}

void require_same(const std::string& path, const std::string& what, const std::string& there,
                  const std::string& wanted) {
  if (there != wanted)
    throw InputError(path,
                     fmt::format("the reflow pairs have {} {}, not {}; generate another file", what, there, wanted));
}

std::string hexadecimal(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

/// An open file that closes itself and turns the system's errors into ours.
class File {
 public:
  File(const std::filesystem::path& path, int flags) : path_(path.string()) {
    descriptor_ = ::open(path_.c_str(), flags | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && (flags & O_ACCMODE) == O_RDONLY)
      throw MissingInputError(fmt::format("{}: cannot be opened: {}", path_, reason()));
    if (descriptor_ < 0) fail("cannot be written");
  }
  ~File() { ::close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[noreturn]] void fail(const char* what) const { throw IoError(fmt::format("{}: {}: {}", path_, what, reason())); }
  int descriptor() const { return descriptor_; }
  std::size_t size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail("cannot be examined");
    if (!S_ISREG(status.st_mode)) throw InputError(path_, "is not a regular file");
    return static_cast<std::size_t>(status.st_size);
  }
  /// False where the file ends before.
  bool read(void* data, std::size_t n_bytes, std::size_t offset) const {
    auto* bytes = static_cast<char*>(data);
    while (n_bytes > 0) {
      const ssize_t n = ::pread(descriptor_, bytes, n_bytes, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot be read");
      if (n == 0) return false;
      bytes += n;
      offset += static_cast<std::size_t>(n);
      n_bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }
  /// All of it, and on the disk.
  void write(const void* data, std::size_t n_bytes, std::size_t offset) const {
    const auto* bytes = static_cast<const char*>(data);
    while (n_bytes > 0) {
      const ssize_t n = ::pwrite(descriptor_, bytes, n_bytes, static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot be written");
      bytes += n;
      offset += static_cast<std::size_t>(n);
      n_bytes -= static_cast<std::size_t>(n);
    }
    if (::fdatasync(descriptor_) != 0) fail("cannot be written");
  }
  void shorten(std::size_t n_bytes) const {
    if (::ftruncate(descriptor_, static_cast<off_t>(n_bytes)) != 0) fail("cannot be shortened");
  }

 private:
  static std::string reason() { return std::generic_category().message(errno); }
  std::string path_;
  int descriptor_ = -1;
};

/// The header as it stands in the file, written now if the file is empty.
void start_or_check(const File& file, const std::string& path, const ReflowPairsHeader& header) {
  const std::string bytes = header_bytes(header);
  if (file.size() == 0) {
    file.write(bytes.data(), bytes.size(), 0);
    return;
  }
  std::string there(header_size, '\0');
  if (!file.read(there.data(), header_size, 0)) {
    // A generation killed within its first write leaves the beginning of this very header.
    there.resize(file.size());
    if (!bytes.starts_with(there)) throw InputError(path, "is not a file of reflow pairs");
    file.write(bytes.data(), bytes.size(), 0);
    return;
  }
  const ReflowPairsHeader old = parse_header(path, there);
  require_same(path, "dimension", std::to_string(old.dimension), std::to_string(header.dimension));
  require_same(path, "the coordinates", old.coordinates, header.coordinates);
  require_same(path, "a teacher with hash", hexadecimal(old.teacher_hash), hexadecimal(header.teacher_hash));
  require_same(path, "seed", std::to_string(old.seed), std::to_string(header.seed));
  require_same(path, "blocks of", std::to_string(old.block_size), std::to_string(header.block_size));
}

bool sound(const std::byte* block, std::size_t n_bytes) {
  std::uint64_t stored = 0;
  std::memcpy(&stored, block + n_bytes, sizeof stored);
  return stored == checksum_of_words(block, n_bytes);
}

}  // namespace

std::uint64_t parameters_hash(const Density& density) {
  const at::Tensor flat = density.flat_parameters().contiguous();
  return checksum_of_words(flat.const_data_ptr<float>(), static_cast<std::size_t>(flat.numel()) * sizeof(float));
}

void reflow_base_points(const ReflowPairsHeader& header, std::int64_t first, std::span<float> x0) {
  const auto d = static_cast<std::size_t>(header.dimension);
  parallel_for(static_cast<std::int64_t>(x0.size() / d), 64, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      RandomStream random(header.seed, static_cast<std::uint64_t>(first + i));
      for (float& value : x0.subspan(static_cast<std::size_t>(i) * d, d)) value = static_cast<float>(random.normal());
    }
  });
}

std::int64_t generate_reflow_pairs(const std::filesystem::path& path, const ReflowPairsHeader& header,
                                   std::int64_t n_pairs, const ReflowTransport& transport,
                                   const std::function<bool(std::int64_t n_done)>& go_on) {
  const File file(path, O_RDWR | O_CREAT);
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      throw BusyError(fmt::format("{}: another process is generating these pairs", path.string()));
    file.fail("cannot be locked");
  }
  start_or_check(file, path.string(), header);
  const std::size_t n_bytes = values_size(header), stored = stored_block_size(header);
  std::vector<std::byte> block(stored);
  auto n_blocks = static_cast<std::int64_t>((file.size() - header_size) / stored);
  const auto offset = [&](std::int64_t b) { return header_size + static_cast<std::size_t>(b) * stored; };
  // After a crash of the machine the last block may have its length without its contents.
  if (n_blocks > 0 && !(file.read(block.data(), stored, offset(n_blocks - 1)) && sound(block.data(), n_bytes)))
    --n_blocks;
  file.shorten(offset(n_blocks));

  std::vector<float> x0(n_bytes / sizeof(float)), x1(x0.size());
  for (; n_blocks * header.block_size < n_pairs; ++n_blocks) {
    const std::int64_t first = n_blocks * header.block_size;
    if (!go_on(first)) break;
    reflow_base_points(header, first, x0);
    transport(x0, x1);
    const auto wrong = std::ranges::find_if_not(x1, [](float value) { return std::isfinite(value); });
    if (wrong != x1.end())
      throw InputError(
          fmt::format("the teacher sent pair {} to a value that is not finite; it is not trained well "
                      "enough to teach, or its tolerances are too wide",
                      first + (wrong - x1.begin()) / header.dimension));
    std::memcpy(block.data(), x1.data(), n_bytes);
    const std::uint64_t sum = checksum_of_words(x1.data(), n_bytes);
    std::memcpy(block.data() + n_bytes, &sum, sizeof sum);
    try {
      file.write(block.data(), stored, offset(n_blocks));
    } catch (const IoError&) {
      static_cast<void>(::ftruncate(file.descriptor(), static_cast<off_t>(offset(n_blocks))));
      throw;
    }
  }
  return n_blocks * header.block_size;
}

ReflowPairs::ReflowPairs(const std::filesystem::path& path) : path_(path) {
  const File file(path, O_RDONLY);
  std::string bytes(std::min(file.size(), header_size), '\0');
  file.read(bytes.data(), bytes.size(), 0);
  header_ = parse_header(path.string(), bytes);
  const std::size_t stored = stored_block_size(header_);
  const std::size_t n_blocks = (file.size() - header_size) / stored;
  if (n_blocks == 0)
    throw InputError(path.string(),
                     fmt::format("holds no whole block of {} reflow pairs yet; generate more", header_.block_size));
  n_bytes_ = header_size + n_blocks * stored;
  void* memory = ::mmap(nullptr, n_bytes_, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (memory == MAP_FAILED) file.fail("cannot be mapped into memory");
  memory_ = static_cast<std::byte*>(memory);
  n_pairs_ = static_cast<std::int64_t>(n_blocks) * header_.block_size;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    if (sound(memory_ + header_size + b * stored, values_size(header_))) continue;
    ::munmap(memory_, n_bytes_);
    const auto first = static_cast<std::int64_t>(b) * header_.block_size;
    throw InputError(path.string(), fmt::format("block {} (pairs {} to {}) is damaged: its checksum is another; "
                                                "generate the file anew",
                                                b, first, first + header_.block_size - 1));
  }
}

ReflowPairs::ReflowPairs(ReflowPairs&& other) noexcept
    : path_(std::move(other.path_)),
      header_(std::move(other.header_)),
      n_pairs_(std::exchange(other.n_pairs_, 0)),
      memory_(std::exchange(other.memory_, nullptr)),
      n_bytes_(std::exchange(other.n_bytes_, 0)) {}

ReflowPairs::~ReflowPairs() {
  if (memory_ != nullptr) ::munmap(memory_, n_bytes_);
}

void ReflowPairs::require(int dimension, const std::string& coordinates, std::uint64_t teacher_hash) const {
  require_same(path_.string(), "dimension", std::to_string(header_.dimension), std::to_string(dimension));
  require_same(path_.string(), "the coordinates", header_.coordinates, coordinates);
  require_same(path_.string(), "a teacher with hash", hexadecimal(header_.teacher_hash), hexadecimal(teacher_hash));
}

void ReflowPairs::read(std::span<const std::int64_t> indices, std::span<float> x0, std::span<float> x1) const {
  const auto d = static_cast<std::size_t>(header_.dimension);
  if (x0.size() != indices.size() * d || x1.size() != x0.size())
    throw InputError(fmt::format("{} reflow pairs of dimension {} do not fit into arrays of {} and {} values",
                                 indices.size(), d, x0.size(), x1.size()));
  for (const std::int64_t index : indices) {
    if (index < 0 || index >= n_pairs_)
      throw InputError(path_.string(), fmt::format("there is no reflow pair {}; there are {}", index, n_pairs_));
  }
  parallel_for(static_cast<std::int64_t>(indices.size()), 64, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const std::int64_t index = indices[i];
      RandomStream random(header_.seed, static_cast<std::uint64_t>(index));
      for (float& value : x0.subspan(i * d, d)) value = static_cast<float>(random.normal());
      const std::byte* block =
          memory_ + header_size + static_cast<std::size_t>(index / header_.block_size) * stored_block_size(header_);
      std::memcpy(x1.data() + i * d, block + static_cast<std::size_t>(index % header_.block_size) * d * sizeof(float),
                  d * sizeof(float));
    }
  });
}

}  // namespace boltzflow
