// SPDX-License-Identifier: MIT
#include "boltzflow/app/exit_codes.hpp"

#include <fmt/format.h>

#include <array>

namespace boltzflow {
namespace {

constexpr std::array codes{
    ExitCode{ExitStatus::success, "success", "all is well"},
    ExitCode{ExitStatus::failure, "failure", "ran to its end, but a check that was asked for failed"},
    ExitCode{ExitStatus::usage, "usage", "wrong words on the command line"},
    ExitCode{ExitStatus::bad_data, "bad data", "an input file is malformed, truncated or inconsistent"},
    ExitCode{ExitStatus::no_input, "no input", "an input file is missing or unreadable"},
    ExitCode{ExitStatus::unavailable, "unavailable", "something the command needs is not there: a device, memory"},
    ExitCode{ExitStatus::internal, "internal", "an error in boltzflow itself; please report it"},
    ExitCode{ExitStatus::io_error, "input/output", "reading or writing failed: disk full, read-only, removed"},
    ExitCode{ExitStatus::busy, "busy", "another process is working in the same run folder"},
    ExitCode{ExitStatus::configuration, "configuration", "the configuration is wrong; every error in it was named"},
    ExitCode{ExitStatus::interrupted, "interrupted", "stopped cleanly by SIGINT; go on with --resume"},
    ExitCode{ExitStatus::terminated, "terminated", "stopped cleanly by SIGTERM; go on with --resume"},
};

}  // namespace

std::span<const ExitCode> exit_codes() { return codes; }

const char* name_of(ExitStatus status) {
  for (const ExitCode& code : codes)
    if (code.status == status) return code.name;
  return "unknown";
}

std::string exit_code_text() {
  std::string text;
  for (const ExitCode& code : codes)
    text += fmt::format("{:>4}  {:<14} {}\n", static_cast<int>(code.status), code.name, code.meaning);
  return text;
}

}  // namespace boltzflow
