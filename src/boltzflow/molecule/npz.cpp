// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/npz.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <optional>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {

namespace fs = std::filesystem;

struct NpzReader::Archive {
  fs::path path;
  zip_t* zip = nullptr;
  std::uint64_t file_size = 0;

  explicit Archive(const fs::path& path_of_archive) : path(path_of_archive) {
    std::error_code error;
    file_size = fs::file_size(path, error);
    if (error) throw MissingInputError(path.string() + ": " + error.message());
    int code = 0;
    zip = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (zip) return;
    zip_error_t reason;
    zip_error_init_with_code(&reason, code);
    const std::string message = zip_error_strerror(&reason);
    zip_error_fini(&reason);
    if (code == ZIP_ER_OPEN || code == ZIP_ER_NOENT) throw MissingInputError(path.string() + ": " + message);
    throw InputError(path.string(), "this is not a NumPy archive (.npz): " + message);
  }
  ~Archive() { zip_discard(zip); }
  Archive(const Archive&) = delete;
  Archive& operator=(const Archive&) = delete;
};

NpzReader::NpzReader(const fs::path& path) : archive_(std::make_unique<Archive>(path)) {}
NpzReader::~NpzReader() = default;

std::vector<std::string> NpzReader::names() const {
  std::vector<std::string> out;
  const zip_int64_t n_entries = zip_get_num_entries(archive_->zip, 0);
  for (zip_int64_t i = 0; i < n_entries; ++i) {
    const char* name = zip_get_name(archive_->zip, static_cast<zip_uint64_t>(i), 0);
    const std::string entry = name ? name : "";
    if (entry.size() > 4 && entry.ends_with(".npy")) out.push_back(entry.substr(0, entry.size() - 4));
  }
  return out;
}

bool NpzReader::contains(const std::string& name) const {
  return zip_name_locate(archive_->zip, (name + ".npy").c_str(), 0) >= 0;
}

template <class Function>
auto NpzReader::with_source(const std::string& name, bool to_the_end, Function function) const {
  const std::string origin = fmt::format("{}: array \"{}\"", archive_->path.string(), name);
  zip_stat_t status;
  zip_stat_init(&status);
  if (zip_stat(archive_->zip, (name + ".npy").c_str(), 0, &status) != 0 || !(status.valid & ZIP_STAT_SIZE) ||
      !(status.valid & ZIP_STAT_COMP_SIZE) || !(status.valid & ZIP_STAT_COMP_METHOD))
    throw InputError(origin, "there is no such array in this archive");
  // Sizes are claims of the archive. Deflate makes bytes at most 1,032 times smaller, so a larger claim is a lie.
  const std::uint64_t largest = status.comp_method == ZIP_CM_STORE ? status.comp_size : status.comp_size * 1032 + 1024;
  if (status.comp_size > archive_->file_size || status.size > largest)
    throw InputError(origin, "the archive is damaged: the sizes it claims are larger than the file");
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> entry(zip_fopen_index(archive_->zip, status.index, 0),
                                                                &zip_fclose);
  if (!entry) throw InputError(origin, std::string("cannot be read: ") + zip_strerror(archive_->zip));
  const NpySource source{[&](void* bytes, std::uint64_t n_bytes) {
                           auto* out = static_cast<char*>(bytes);
                           while (n_bytes > 0) {
                             const zip_int64_t got = zip_fread(entry.get(), out, n_bytes);
                             if (got < 0)
                               throw InputError(origin, std::string("is damaged: ") + zip_file_strerror(entry.get()));
                             if (got == 0) throw InputError(origin, "is damaged: it ends early");
                             out += got;
                             n_bytes -= static_cast<std::uint64_t>(got);
                           }
                         },
                         status.size, origin};
  auto result = function(source);
  if (to_the_end) {  // libzip compares the checksum where it meets the end
    char beyond;
    if (zip_fread(entry.get(), &beyond, 1) != 0)
      throw InputError(origin, "is damaged: its checksum or length is wrong");
  }
  return result;
}

NpyHeader NpzReader::header(const std::string& name) const { return with_source(name, false, &read_npy_header); }
NpyArray NpzReader::read(const std::string& name) const { return with_source(name, true, &read_npy_array); }

NpzWriter::NpzWriter(fs::path path) : path_(std::move(path)) {}

NpyWriter& NpzWriter::array(const std::string& name, NumberType type, std::vector<std::int64_t> row_shape) {
  if (name.empty() || name.find('/') != std::string::npos)
    throw InputError(path_.string(), fmt::format("\"{}\" cannot be the name of an array", name));
  auto& writer = arrays_[name];
  if (!writer) {
    const fs::path beside = path_.parent_path() / fmt::format("{}.{}.npy", path_.filename().string(), name);
    writer = std::make_unique<NpyWriter>(beside, type, std::move(row_shape));
  }
  return *writer;
}

void NpzWriter::finish() {
  write_file_atomically(path_, [&](const fs::path& temporary) {
    const auto fail = [&](const std::string& reason) { throw IoError(path_.string() + ": cannot write: " + reason); };
    int code = 0;
    zip_t* zip = zip_open(temporary.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (!zip) {
      zip_error_t reason;
      zip_error_init_with_code(&reason, code);
      const std::string message = zip_error_strerror(&reason);
      zip_error_fini(&reason);
      fail(message);
    }
    std::unique_ptr<zip_t, void (*)(zip_t*)> archive(zip, &zip_discard);
    for (auto& [name, writer] : arrays_) {
      writer->complete();
      zip_source_t* source = zip_source_file(zip, writer->temporary_path().c_str(), 0, -1);
      if (!source) fail(zip_strerror(zip));
      const zip_int64_t index = zip_file_add(zip, (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8);
      if (index < 0) {
        zip_source_free(source);
        fail(zip_strerror(zip));
      }
      constexpr zip_uint16_t midnight = 0, first_of_january_1980 = 0x21;
      if (zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0 ||
          zip_file_set_dostime(zip, static_cast<zip_uint64_t>(index), midnight, first_of_january_1980, 0) != 0)
        fail(zip_strerror(zip));
    }
    if (arrays_.empty()) fail("there are no arrays");
    if (zip_close(zip) != 0) fail(zip_strerror(zip));
    (void)archive.release();
  });
  arrays_.clear();
}

Frames read_npz_frames(const fs::path& path) {
  const NpzReader archive(path);
  if (!archive.contains("positions")) {
    std::string names;
    for (const auto& name : archive.names()) names += (names.empty() ? "" : ", ") + name;
    throw InputError(path.string(),
                     fmt::format("there is no array \"positions\" [frames, atoms, 3] in this archive (it has {})",
                                 names.empty() ? "none" : names.substr(0, 200)));
  }
  Frames frames = frames_from_array(archive.read("positions"), path.string() + ": array \"positions\"");
  for (const auto& name : archive.names()) {
    const NpyHeader header = archive.header(name);
    if (header.shape.size() == 1 && header.shape[0] == frames.n_frames)
      frames.arrays[name] = archive.read(name).to_double();
  }
  return frames;
}

namespace {

class NpzFrameWriter final : public FrameWriter {
 public:
  NpzFrameWriter(const fs::path& path, int n_atoms) : writer_(path), n_atoms_(n_atoms), origin_(path.string()) {
    writer_.array("positions", NumberType::float64, {n_atoms, 3});
  }

  void append(const FrameBatch& batch) override {
    check_batch(batch, n_atoms_, origin_);
    if (batch.arrays.contains("positions")) throw InputError(origin_, "\"positions\" is the name of the coordinates");
    NpyWriter& positions = writer_.array("positions", NumberType::float64, {n_atoms_, 3});
    std::vector<std::string> names;
    for (const auto& [name, values] : batch.arrays) names.push_back(name);
    if (!names_) names_ = names;
    if (names != *names_) throw InputError(origin_, "every batch must hold the same arrays");
    for (const auto& [name, values] : batch.arrays) writer_.array(name, NumberType::float64, {}).append(values);
    positions.append(batch.positions);
  }

  void finish() override { writer_.finish(); }

 private:
  NpzWriter writer_;
  int n_atoms_;
  std::string origin_;
  std::optional<std::vector<std::string>> names_;
};

}  // namespace

std::unique_ptr<FrameWriter> make_npz_writer(const fs::path& path, const MolecularSystem& system) {
  return std::make_unique<NpzFrameWriter>(path, system.n_atoms());
}

}  // namespace boltzflow
