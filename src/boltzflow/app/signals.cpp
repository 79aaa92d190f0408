// SPDX-License-Identifier: MIT
#include "boltzflow/app/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>

namespace boltzflow {
namespace {

StopFlag stop;
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, number)) ::_exit(128 + number);
  stop.request_stop();
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

const StopFlag& stop_flag() noexcept { return stop; }

ExitStatus stop_status() noexcept {
  return first_signal.load() == SIGTERM ? ExitStatus::terminated : ExitStatus::interrupted;
}

void throw_if_stopped(const char* what) {
  if (stop.stop_requested()) throw Error(stop_status(), std::string("stopped; ") + what);
}

}  // namespace boltzflow
