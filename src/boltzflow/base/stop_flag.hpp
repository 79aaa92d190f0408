// SPDX-License-Identifier: MIT
#pragma once
#include <atomic>

namespace boltzflow {

/// Set from a signal handler or another thread to ask long work to stop at its next safe point; the libraries only read
/// it.
class StopFlag {
 public:
  void request_stop() noexcept { requested_.store(true, std::memory_order_relaxed); }
  bool stop_requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
  static_assert(std::atomic<bool>::is_always_lock_free);
};

}  // namespace boltzflow
