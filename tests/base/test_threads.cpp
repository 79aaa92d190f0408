// SPDX-License-Identifier: MIT
#include "boltzflow/base/threads.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <vector>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

class Threads : public testing::Test {
 protected:
  void TearDown() override { set_thread_count(0); }
};

using Range = std::tuple<std::int64_t, std::int64_t, int>;

std::vector<Range> ranges_of(std::int64_t n_items, std::int64_t grain) {
  std::vector<Range> ranges;
  std::mutex mutex;
  parallel_for(n_items, grain, [&](std::int64_t begin, std::int64_t end, int thread) {
    const std::lock_guard lock(mutex);
    ranges.emplace_back(begin, end, thread);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

TEST_F(Threads, EveryItemOnceInRangesOfWholeGrains) {
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    EXPECT_EQ(thread_count(), threads);
    for (const std::int64_t n : {0, 1, 15, 16, 17, 1000, 1024}) {
      for (const std::int64_t grain : {1, 16, 5000}) {
        const auto ranges = ranges_of(n, grain);
        std::int64_t next = 0;
        std::vector<int> seen;
        for (const auto& [begin, end, thread] : ranges) {
          EXPECT_EQ(begin, next);
          EXPECT_LT(begin, end);
          EXPECT_EQ(begin % grain, 0);
          EXPECT_TRUE(thread >= 0 && thread < threads);
          EXPECT_EQ(std::count(seen.begin(), seen.end(), thread), 0);
          seen.push_back(thread);
          next = end;
        }
        EXPECT_EQ(next, n);
        EXPECT_EQ(ranges, ranges_of(n, grain));  // the split depends on nothing else
      }
    }
  }
}

TEST_F(Threads, TheFirstExceptionIsRethrownAndThePoolGoesOn) {
  for (const int threads : {1, 4}) {
    set_thread_count(threads);
    for (int k = 0; k < 20; ++k) {
      EXPECT_THROW(parallel_for(64, 1,
                                [&](std::int64_t begin, std::int64_t end, int) {
                                  for (std::int64_t i = begin; i < end; ++i)
                                    if (i == 3 * k) throw std::runtime_error("stop");
                                }),
                   std::runtime_error);
      std::atomic<std::int64_t> sum{0};
      parallel_for(64, 1, [&](std::int64_t begin, std::int64_t end, int) { sum += end - begin; });
      EXPECT_EQ(sum.load(), 64);
    }
  }
}

TEST_F(Threads, ANestedCallRunsInTheCallingThread) {
  set_thread_count(4);
  std::atomic<int> n_wrong{0};
  std::atomic<std::int64_t> n_items{0};
  parallel_for(8, 1, [&](std::int64_t begin, std::int64_t end, int) {
    const auto self = std::this_thread::get_id();
    for (std::int64_t i = begin; i < end; ++i)
      parallel_for(100, 1, [&](std::int64_t inner_begin, std::int64_t inner_end, int) {
        if (std::this_thread::get_id() != self || inner_begin != 0 || inner_end != 100) ++n_wrong;
        n_items += inner_end - inner_begin;
      });
  });
  EXPECT_EQ(n_wrong.load(), 0);
  EXPECT_EQ(n_items.load(), 800);
}

TEST_F(Threads, DenormalsAreFlushedInsideAndKeptOutside) {
  set_thread_count(3);
  std::atomic<int> n_kept{0};
  parallel_for(30, 1, [&](std::int64_t, std::int64_t, int) {
    volatile float small = 1e-30f;
    if (small * 1e-10f != 0.0f) ++n_kept;
  });
  EXPECT_EQ(n_kept.load(), 0);
  volatile float small = 1e-30f;
  EXPECT_NE(small * 1e-10f, 0.0f);
}

TEST_F(Threads, CallersOnSeveralThreadsTakeTurns) {
  set_thread_count(3);
  std::atomic<std::int64_t> total{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] {
      for (int k = 0; k < 200; ++k)
        parallel_for(50, 1, [&](std::int64_t begin, std::int64_t end, int) { total += end - begin; });
    });
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 4 * 200 * 50);
}

TEST_F(Threads, CountsOutOfRangeAreErrors) {
  EXPECT_THROW(set_thread_count(-1), InputError);
  EXPECT_THROW(set_thread_count(100'000), InputError);
  set_thread_count(0);
  EXPECT_GE(thread_count(), 1);
}

}  // namespace
}  // namespace boltzflow
