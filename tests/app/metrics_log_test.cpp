// SPDX-License-Identifier: MIT
#include "boltzflow/app/metrics_log.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "app/temporary_folder.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

void write_run(MetricsLog& log, int first_step, int last_step) {
  for (int step = first_step; step <= last_step; ++step)
    log.append("anneal", step, {{"lambda", 100.0 / step}, {"evaluations", 102400.0 * step}});
}

void refine(MetricsLog& log, int first_step, int last_step) {
  for (int step = first_step; step <= last_step; ++step)
    log.append("refine", step, {{"ess", 0.1 * step}, {"evaluations", 1e6 + 102400.0 * step}});
}

TEST(MetricsLog, WritesCsvAndJsonLinesWithExactCounts) {
  TemporaryFolder folder;
  MetricsLog log(folder / "metrics.csv", folder / "metrics.jsonl");
  write_run(log, 1, 2);
  refine(log, 1, 1);
  EXPECT_EQ(read_file(folder / "metrics.csv"),
            "phase,step,lambda,evaluations,ess\n"
            "anneal,1,100,102400,\nanneal,2,50,204800,\nrefine,1,,1102400,0.1\n");
  EXPECT_EQ(read_file(folder / "metrics.jsonl"),
            "{\"phase\":\"anneal\",\"step\":1,\"lambda\":100,\"evaluations\":102400}\n"
            "{\"phase\":\"anneal\",\"step\":2,\"lambda\":50,\"evaluations\":204800}\n"
            "{\"phase\":\"refine\",\"step\":1,\"ess\":0.1,\"evaluations\":1102400}\n");
}

// Whatever the last row was when the process died, resuming from any earlier checkpoint gives the uninterrupted files.
TEST(MetricsLog, ResumingFromAnyCheckpointDoublesAndLosesNothing) {
  TemporaryFolder folder;
  {
    MetricsLog log(folder / "whole.csv", folder / "whole.jsonl");
    write_run(log, 1, 5);
    refine(log, 1, 4);
  }
  for (int checkpoint = 0; checkpoint <= 9; ++checkpoint) {
    std::filesystem::remove(folder / "metrics.csv");
    std::filesystem::remove(folder / "metrics.jsonl");
    {
      MetricsLog log(folder / "metrics.csv", folder / "metrics.jsonl");
      write_run(log, 1, 5);
      refine(log, 1, 4);
    }
    std::ofstream(folder / "metrics.jsonl", std::ios::app) << "{\"phase\":\"ref";  // torn by a crash
    std::ofstream(folder / "metrics.csv", std::ios::app) << "refine,5";
    MetricsLog log(folder / "metrics.csv", folder / "metrics.jsonl");
    if (checkpoint < 5) write_run(log, checkpoint + 1, 5);
    refine(log, std::max(1, checkpoint - 4), 4);
    EXPECT_EQ(read_file(folder / "metrics.csv"), read_file(folder / "whole.csv")) << checkpoint;
    EXPECT_EQ(read_file(folder / "metrics.jsonl"), read_file(folder / "whole.jsonl")) << checkpoint;
  }
}

TEST(MetricsLog, NonFiniteNumbersSurviveReading) {
  TemporaryFolder folder;
  MetricsLog log(folder / "metrics.csv", folder / "metrics.jsonl");
  log.append("anneal", 1, {{"a", NAN}, {"b", INFINITY}, {"c", -INFINITY}, {"d", 1.0 / 3.0}});
  const auto rows = read_metrics(folder / "metrics.jsonl");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(std::isnan(rows[0].metrics[0].second));
  EXPECT_EQ(rows[0].metrics[1].second, INFINITY);
  EXPECT_EQ(rows[0].metrics[2].second, -INFINITY);
  EXPECT_EQ(rows[0].metrics[3].second, 1.0 / 3.0);
}

TEST(MetricsLog, NamesTheLineThatIsNoRow) {
  TemporaryFolder folder;
  write_file_atomically(folder / "metrics.jsonl", std::string_view("{\"phase\":\"anneal\",\"step\":1}\nnonsense\n"));
  try {
    read_metrics(folder / "metrics.jsonl");
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("metrics.jsonl:2: is not a row"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace boltzflow
