// SPDX-License-Identifier: MIT
#include "boltzflow/app/version.hpp"

#include <nlohmann/json.hpp>

#include "boltzflow/app/verbs/verb_definitions.hpp"

namespace boltzflow {

Verb::Action define_version(CLI::App&) {
  return [](Invocation& invocation) {
    invocation.print(version_text() + "\n", {{"version", version()}, {"git_revision", git_revision()}});
    return ExitStatus::success;
  };
}

}  // namespace boltzflow
