// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace boltzflow {

/// One setting a user may write in a configuration file, bound to the field it sets. Everything that speaks of settings
/// (the TOML reader, its error messages and hints, the effective configuration, --help, the documentation table) reads
/// this.
struct Option {
  std::string key;            ///< dotted: "method.cmt.trust_region"
  std::string documentation;  ///< one line, with the unit
  std::variant<bool*, std::int64_t*, double*, std::string*> value;
  double minimum = -std::numeric_limits<double>::infinity();  ///< inclusive, numbers only
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;  ///< strings only; empty: any
};

/// The settings of a run, in the order they are written to the effective configuration.
class OptionTable {
 public:
  void add(std::string key, bool& field, std::string documentation) {
    options_.push_back({std::move(key), std::move(documentation), &field, 0, 1, {}});
  }
  void add(std::string key, std::int64_t& field, double minimum, double maximum, std::string documentation) {
    options_.push_back({std::move(key), std::move(documentation), &field, minimum, maximum, {}});
  }
  void add(std::string key, double& field, double minimum, double maximum, std::string documentation) {
    options_.push_back({std::move(key), std::move(documentation), &field, minimum, maximum, {}});
  }
  void add(std::string key, std::string& field, std::vector<std::string> choices, std::string documentation) {
    options_.push_back({std::move(key), std::move(documentation), &field, 0, 0, std::move(choices)});
  }
  const std::vector<Option>& options() const noexcept { return options_; }

 private:
  std::vector<Option> options_;
};

}  // namespace boltzflow
