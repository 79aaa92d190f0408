// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <type_traits>

namespace boltzflow {

/// Sets the number of threads that parallel_for uses, the caller included; 0 means one per available core.
/// Not thread-safe against a running parallel_for. Results of every kernel are the same for the same thread count.
void set_thread_count(int n_threads);
int thread_count() noexcept;

namespace detail {
using RangeFunction = void (*)(void* context, std::int64_t begin, std::int64_t end, int thread);
void run_parallel(std::int64_t n_items, std::int64_t grain, RangeFunction function, void* context);
}  // namespace detail

/// This splits [0, n_items) into at most thread_count() contiguous ranges, each a multiple of `grain` long (but for the
/// last), and calls function(begin, end, thread) for each of them, one per thread; the split depends on n_items, grain
/// and thread_count() alone. thread is in [0, thread_count()). A nested call runs in the calling thread.
/// Workers flush denormals (FTZ and DAZ): without it training slows down by half as small gradients appear. So does
/// the calling thread, for the length of the call. The first exception thrown by a range is rethrown here.
template <class Function>
void parallel_for(std::int64_t n_items, std::int64_t grain, Function&& function) {
  detail::run_parallel(
      n_items, grain,
      [](void* context, std::int64_t begin, std::int64_t end, int thread) {
        (*static_cast<std::remove_reference_t<Function>*>(context))(begin, end, thread);
      },
      &function);
}

}  // namespace boltzflow
