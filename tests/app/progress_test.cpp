// SPDX-License-Identifier: MIT
#include "boltzflow/app/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "app/temporary_folder.hpp"
#include "boltzflow/base/atomic_file.hpp"

namespace boltzflow {
namespace {

std::string shown(Progress::Style style, const std::function<void(Progress&)>& work) {
  TemporaryFolder folder;
  const int file = ::open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  {
    Progress progress(style, file);
    work(progress);
  }
  ::close(file);
  return read_file(folder / "out");
}

TEST(Progress, RewritesOneLineOnATerminalAndCutsItToTheWidth) {
  const std::string text = shown({.terminal = true, .width = 8}, [](Progress& progress) {
    progress.update("step 1 of 10");
    progress.message("note");
    progress.update("step 2");  // too soon after the first: shown by finish()
  });
  EXPECT_EQ(text, "\r\x1b[Kstep 1 \r\x1b[Knote\nstep 1 \r\x1b[Kstep 2\n");
}

TEST(Progress, WritesFewWholeLinesToALog) {
  const std::string text = shown({.terminal = false, .seconds_between = 1000}, [](Progress& progress) {
    for (int step = 1; step <= 50; ++step) progress.update("step " + std::to_string(step));
    progress.message("note");
  });
  EXPECT_EQ(text, "step 1\nnote\nstep 50\n");
}

TEST(Progress, SaysNothingWhenQuiet) {
  EXPECT_EQ(shown({.quiet = true, .terminal = true},
                  [](Progress& progress) {
                    progress.update("a");
                    progress.message("b");
                  }),
            "");
}

TEST(TimeLeft, IsGivenOnlyOnceItCanBeEstimated) {
  TimeLeft time;
  EXPECT_EQ(time.text(0.0, 0), "00:00 elapsed");
  EXPECT_EQ(time.text(0.5, 4), "00:04 elapsed");                 // too early
  EXPECT_EQ(time.text(0.25, 60), "01:00 elapsed, ~03:00 left");  // a quarter took a minute
  EXPECT_EQ(time.text(1.0, 240), "04:00 elapsed");
  TimeLeft resumed;
  resumed.text(0.5, 10);  // half was done before
  EXPECT_EQ(resumed.text(0.75, 110), "01:50 elapsed, ~01:40 left");
  EXPECT_EQ(clock_text(3725), "1:02:05");
  EXPECT_EQ(count_text(2.3e6), "2.3 M");
  EXPECT_EQ(count_text(2'137'000, 2), "2.14 M");
}

}  // namespace
}  // namespace boltzflow
