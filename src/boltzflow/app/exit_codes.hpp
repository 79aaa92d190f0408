// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

struct ExitCode {
  ExitStatus status;
  const char* name;     ///< "bad data": for people and for "error" in --json
  const char* meaning;  ///< one line
};

/// Every status the program ends with, in order.
std::span<const ExitCode> exit_codes();
const char* name_of(ExitStatus status);
/// The table as `boltzflow help exit-codes` prints it.
std::string exit_code_text();

}  // namespace boltzflow
