// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace boltzflow {

/// This keeps manifest.json: which program, on what hardware, with which seed and words, made a run, and how each of
/// its sessions (the first and every resume) ended. Nothing in it names the machine or the user.
class Manifest {
 public:
  /// For a new run.
  Manifest(std::filesystem::path path, const std::string& system, std::int64_t seed, const std::string& device);
  /// Of a run that is there. @throws MissingInputError, InputError.
  explicit Manifest(std::filesystem::path path);

  /// Begins a session with status "running" and writes the file. @throws IoError.
  void begin_session(const std::vector<std::string>& command_line);
  /// Ends it: "finished", "budget", "stopped" or "failed". @throws IoError.
  void end_session(const std::string& status);

  std::int64_t seed() const;
  int n_threads() const;
  std::string device() const;
  std::string status() const;
  const nlohmann::ordered_json& document() const noexcept { return document_; }

 private:
  void write() const;
  std::filesystem::path path_;
  nlohmann::ordered_json document_;
};

}  // namespace boltzflow
