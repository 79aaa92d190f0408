// SPDX-License-Identifier: MIT
#include "boltzflow/app/presets.hpp"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "boltzflow/app/nearest_match.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {

std::string Preset::summary() const {
  std::string text(toml, std::strcspn(toml, "\n"));
  const std::size_t begin = text.find_first_not_of("# ");
  return begin == std::string::npos ? "" : text.substr(begin);
}

const Preset& find_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  throw Error(ExitStatus::usage, fmt::format("--preset {}: there is no such preset{}; see `boltzflow help presets`",
                                             name, hint_for(name, names)));
}

}  // namespace boltzflow
