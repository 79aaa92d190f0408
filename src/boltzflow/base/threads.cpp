// SPDX-License-Identifier: MIT
#include "boltzflow/base/threads.hpp"

#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr unsigned flush_denormals = 0x8040;  // FTZ | DAZ in MXCSR
thread_local bool inside_parallel_region = false;

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

/// One task at a time, a worker per extra thread. A worker spins for some tens of microseconds before it sleeps: the
/// layers of a flow follow each other faster than a sleeping thread wakes up.
class Pool {
 public:
  explicit Pool(int n_threads) {
    for (int t = 1; t < n_threads; ++t) workers_.emplace_back([this, t] { work(t); });
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    for (auto& worker : workers_) worker.join();
  }
  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }

  void run(std::int64_t n_items, std::int64_t chunk, int n_ranges, detail::RangeFunction function, void* context) {
    n_items_ = n_items, chunk_ = chunk, n_ranges_ = n_ranges, function_ = function, context_ = context;
    failure_ = nullptr;
    pending_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    run_range(0);
    for (int spin = 0; pending_.load(std::memory_order_acquire) != 0; ++spin) {
      if (spin < 4096)
        _mm_pause();
      else
        std::this_thread::yield();
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run_range(int thread) {
    if (thread >= n_ranges_) return;
    inside_parallel_region = true;
    try {
      const std::int64_t begin = thread * chunk_, end = std::min(n_items_, begin + chunk_);
      if (begin < end) function_(context_, begin, end, thread);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
    inside_parallel_region = false;
  }

  void work(int thread) {
    _mm_setcsr(_mm_getcsr() | flush_denormals);
    std::uint64_t seen = 0;
    while (true) {
      for (int spin = 0; generation_.load(std::memory_order_acquire) == seen && spin < 2000; ++spin) _mm_pause();
      if (generation_.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
      }
      seen = generation_.load(std::memory_order_acquire);
      if (stopping_) return;
      run_range(thread);
      pending_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<int> pending_{0};
  std::atomic<bool> stopping_{false};
  std::int64_t n_items_ = 0, chunk_ = 0;
  int n_ranges_ = 0;
  detail::RangeFunction function_ = nullptr;
  void* context_ = nullptr;
  std::exception_ptr failure_;
};

std::mutex pool_mutex;
std::unique_ptr<Pool> pool;
std::mutex run_mutex;

Pool& the_pool() {
  std::lock_guard lock(pool_mutex);
  if (!pool) pool = std::make_unique<Pool>(available_cores());
  return *pool;
}

}  // namespace

void set_thread_count(int n_threads) {
  if (n_threads < 0 || n_threads > 4096)
    throw InputError("threads: " + std::to_string(n_threads) + " is not in [0, 4096]; 0 means one per core");
  std::lock_guard lock(pool_mutex);
  const int wanted = n_threads == 0 ? available_cores() : n_threads;
  if (!pool || pool->n_threads() != wanted) {
    pool.reset();
    pool = std::make_unique<Pool>(wanted);
  }
}

int thread_count() noexcept { return the_pool().n_threads(); }

namespace detail {

void run_parallel(std::int64_t n_items, std::int64_t grain, RangeFunction function, void* context) {
  if (n_items <= 0) return;
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(saved | flush_denormals);
  struct Restore {
    unsigned csr;
    ~Restore() { _mm_setcsr(csr); }
  } restore{saved};
  if (inside_parallel_region) return function(context, 0, n_items, 0);
  Pool& workers = the_pool();
  grain = std::max<std::int64_t>(1, grain);
  const std::int64_t n_grains = (n_items + grain - 1) / grain;
  const std::int64_t chunk = (n_grains + workers.n_threads() - 1) / workers.n_threads() * grain;
  const int n_ranges = static_cast<int>((n_items + chunk - 1) / chunk);
  if (n_ranges == 1) return function(context, 0, n_items, 0);
  std::lock_guard lock(run_mutex);  // callers on several threads take turns
  workers.run(n_items, chunk, n_ranges, function, context);
}

}  // namespace detail
}  // namespace boltzflow
