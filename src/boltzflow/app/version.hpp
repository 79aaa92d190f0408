// SPDX-License-Identifier: MIT
#pragma once
#include <string>

namespace boltzflow {

/// "0.1.0"
std::string version();
/// The git revision this program was built from, "-modified" if the tree was not clean; "unknown" outside a repository.
std::string git_revision();
/// "boltzflow 0.1.0 (1a2b3c4)"
std::string version_text();

}  // namespace boltzflow
