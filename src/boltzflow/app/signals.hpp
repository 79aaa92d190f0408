// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/stop_flag.hpp"

namespace boltzflow {

/// Installs handlers: the first SIGINT or SIGTERM sets stop_flag(), the second ends the process at once with 128 + its
/// number. SIGPIPE and SIGXFSZ are ignored, so that writing to a closed pipe or past a limit is an error like others.
void install_signal_handlers();

/// Set once the user asked to stop.
const StopFlag& stop_flag() noexcept;

/// The exit status of a clean stop: interrupted or terminated, by the signal that came.
ExitStatus stop_status() noexcept;

/// @throws Error with stop_status() if the user asked to stop; `what` was not finished.
void throw_if_stopped(const char* what);

}  // namespace boltzflow
