// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "boltzflow/base/options.hpp"

namespace boltzflow {

/// This reads settings from TOML text and from `key=value` words into the fields an OptionTable is bound to, and
/// collects every error on the way, so that the user sees all of them at once.
///
/// Later layers overwrite earlier ones; a field keeps its value where its setting is wrong.
class ConfigurationReader {
 public:
  /// `table` must outlive the reader.
  explicit ConfigurationReader(const OptionTable& table) : table_(table) {}

  /// Reads one TOML document; `origin` is the file's name in messages ("my.toml:14: training.lerning_rate: ...").
  void read(std::string_view toml_text, const std::string& origin);

  /// Reads "key=value", the value as in TOML (quotes may be left out around a string); `origin` is "--set".
  void set(std::string_view assignment, const std::string& origin);

  /// Errors so far, a line each: "file:line: key: what is wrong".
  const std::vector<std::string>& errors() const noexcept { return errors_; }

  /// @throws ConfigurationError with every error and their number, if there were any.
  void finish() const;

 private:
  const OptionTable& table_;
  std::vector<std::string> errors_, origins_;
};

}  // namespace boltzflow
