// SPDX-License-Identifier: MIT
#include "boltzflow/app/version.hpp"

#include "boltzflow/app/git_revision.hpp"

namespace boltzflow {

std::string version() { return BOLTZFLOW_VERSION; }
std::string git_revision() { return BOLTZFLOW_GIT_REVISION; }
std::string version_text() { return "boltzflow " + version() + " (" + git_revision() + ")"; }

}  // namespace boltzflow
