// SPDX-License-Identifier: MIT
#include "boltzflow/app/sample_files.hpp"

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

std::filesystem::path without_extension(std::filesystem::path stem) {
  const std::string extension = stem.extension().string();
  if (extension == ".pdb" || extension == ".dcd" || extension == ".npz") stem.replace_extension();
  if (!stem.has_filename()) throw Error(ExitStatus::usage, "-o " + stem.string() + ": name a file, not a folder");
  return stem;
}

}  // namespace

SampleFiles::SampleFiles(const std::filesystem::path& path, const MolecularSystem& system) : system_(system) {
  const std::filesystem::path stem = without_extension(path);
  if (stem.has_parent_path()) {
    std::error_code error;
    std::filesystem::create_directories(stem.parent_path(), error);
    if (error) throw IoError(stem.parent_path().string() + ": cannot make this folder: " + error.message());
  }
  pdb_ = stem.string() + ".pdb", dcd_ = stem.string() + ".dcd", npz_ = stem.string() + ".npz";
  if (system.n_atoms() == 0) {
    plain_writer_ = std::make_unique<NpzWriter>(npz_);
    return;
  }
  dcd_writer_ = make_frame_writer(dcd_, system);
  npz_writer_ = make_frame_writer(npz_, system);
  first_frame_ = system.positions;
}

void SampleFiles::append(const WeightedSamples& samples, bool weighted) {
  if (samples.n_samples() == 0) return;
  if (plain_writer_) return append_plain(samples, weighted);
  if (first_frame_.empty())
    first_frame_.assign(samples.positions.begin(), samples.positions.begin() + 3 * system_.n_atoms());
  FrameBatch batch;
  batch.n_frames = static_cast<std::int64_t>(samples.n_samples());
  batch.positions = samples.positions;
  if (weighted) batch.arrays["log_prob"] = samples.log_prob;
  batch.arrays["reduced_energy"] = samples.reduced_energy;
  batch.arrays["log_weight"] = samples.log_weight;
  dcd_writer_->append(batch);
  npz_writer_->append(batch);
}

void SampleFiles::append_plain(const WeightedSamples& samples, bool weighted) {
  const auto dimension = static_cast<std::int64_t>(samples.positions.size() / samples.n_samples());
  plain_writer_->array("positions", NumberType::float64, {dimension})
      .append(std::span<const double>(samples.positions));
  const auto column = [&](const char* name, const std::vector<double>& values) {
    plain_writer_->array(name, NumberType::float64, {}).append(std::span<const double>(values));
  };
  if (weighted) column("log_prob", samples.log_prob);
  column("reduced_energy", samples.reduced_energy);
  column("log_weight", samples.log_weight);
}

std::vector<std::filesystem::path> SampleFiles::finish() {
  if (plain_writer_) {
    plain_writer_->finish();
    return {npz_};
  }
  const auto pdb_writer = make_frame_writer(pdb_, system_);
  pdb_writer->append({.n_frames = first_frame_.empty() ? 0 : 1, .positions = first_frame_});
  pdb_writer->finish();
  dcd_writer_->finish();
  npz_writer_->finish();
  return {pdb_, dcd_, npz_};
}

}  // namespace boltzflow
