// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>

namespace boltzflow {

/// A named configuration that comes with the program: the file presets/<name>.toml, embedded when it was built.
struct Preset {
  const char* name;
  const char* toml;
  /// The first line of the file, without the comment sign.
  std::string summary() const;
};

std::span<const Preset> presets();
/// @throws Error (usage) with the nearest match if there is no preset of that name.
const Preset& find_preset(const std::string& name);

}  // namespace boltzflow
