// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <string>

namespace boltzflow {

/// This is the folder of one training run and everything in it, held by one process at a time.
///
///     config.toml      the effective configuration       metrics.csv, metrics.jsonl   one row per step
///     manifest.json    version, seed, hardware, status   checkpoints/                 for --resume
///     model.boltzflow  all that `sample` needs           samples/                     PDB, DCD, NPZ
///     system.json      the molecule                      evaluation.json, report.html
///     test-frames.npz  of the data learnt from
///     lock             the process at work
///
/// The lock is an flock on the file `lock`, so that it vanishes with its process however that ends.
class RunFolder {
 public:
  /// Makes a new run folder and locks it. `path` empty: runs/<name>-<date>-<n> with the first free n.
  /// @throws Error (usage) if there is a run or another non-empty folder at `path` already, IoError if it cannot be
  /// made.
  static RunFolder create(const std::filesystem::path& path, const std::string& name);
  /// Locks the run folder at `path` to go on writing in it.
  /// @throws MissingInputError if it is no run folder, BusyError naming the process that holds it.
  static RunFolder open(const std::filesystem::path& path);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;
  ~RunFolder();

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path configuration() const { return path_ / "config.toml"; }
  std::filesystem::path system() const { return path_ / "system.json"; }
  std::filesystem::path manifest() const { return path_ / "manifest.json"; }
  std::filesystem::path metrics_csv() const { return path_ / "metrics.csv"; }
  std::filesystem::path metrics_jsonl() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  std::filesystem::path model() const { return path_ / "model.boltzflow"; }
  std::filesystem::path test_frames() const { return path_ / test_frames_name; }
  std::filesystem::path evaluation() const { return path_ / "evaluation.json"; }
  std::filesystem::path report() const { return path_ / "report.html"; }
  std::filesystem::path samples() const { return path_ / "samples"; }

  static constexpr const char* test_frames_name = "test-frames.npz";

 private:
  RunFolder(std::filesystem::path path, int lock);
  std::filesystem::path path_;
  int lock_;
};

/// True if `path` is a folder that a training run made.
bool is_run_folder(const std::filesystem::path& path);

}  // namespace boltzflow
