// SPDX-License-Identifier: MIT
#pragma once
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

/// This runs the program on its command line (without the program's own name) and returns its exit status; errors are
/// printed as one clear message, on standard error, and with --json also as {"error": ...} on standard output.
ExitStatus run_program(const std::vector<std::string>& words);

/// What `boltzflow WORDS --help` prints; no words: the program's own help.
std::string help_text(const std::vector<std::string>& words);

}  // namespace boltzflow
