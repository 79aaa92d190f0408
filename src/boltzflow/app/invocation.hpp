// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "boltzflow/app/progress.hpp"

namespace boltzflow {

/// This is one call of the program as a verb sees it: the options every verb has, and where results and messages go.
struct Invocation {
  std::vector<std::string> command_line;
  bool json = false;   ///< the result goes to standard output as one JSON document
  bool quiet = false;  ///< no progress and no messages
  std::optional<std::int64_t> seed;
  std::optional<int> threads;         ///< 0: one per core
  std::optional<std::string> device;  ///< "cpu" or "cuda"

  /// Writes the result: `text` for people, or `document` with --json. @throws IoError if standard output is gone.
  void print(const std::string& text, const nlohmann::ordered_json& document) const;
  /// Progress and messages of this call, on standard error.
  Progress::Style progress_style() const { return Progress::terminal_here(quiet); }
  /// Sets the number of threads everywhere and checks that the device is there.
  /// @throws UnavailableError saying what to do where it is not.
  void prepare(int default_threads = 0, const std::string& default_device = "cpu") const;
};

/// Writes to standard output and flushes. @throws IoError if it cannot be written to.
void write_output(const std::string& text);

}  // namespace boltzflow
