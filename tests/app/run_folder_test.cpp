// SPDX-License-Identifier: MIT
#include "boltzflow/app/run_folder.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "app/temporary_folder.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

ExitStatus status_of(const std::function<void()>& function, std::string* message = nullptr) {
  try {
    function();
  } catch (const Error& error) {
    if (message) *message = error.what();
    return error.status();
  }
  return ExitStatus::success;
}

TEST(RunFolder, RefusesASecondRunInTheSameFolderAndForeignFolders) {
  TemporaryFolder folder;
  {
    const RunFolder run = RunFolder::create(folder / "deep/run", "x");
    write_file_atomically(run.configuration(), std::string_view("system = 'x'\n"));
  }
  std::string message;
  EXPECT_EQ(status_of([&] { RunFolder::create(folder / "deep/run/", "x"); }, &message), ExitStatus::usage);
  EXPECT_NE(message.find("--resume"), std::string::npos) << message;
  write_file_atomically(folder / "notes", std::string_view("mine"));
  EXPECT_EQ(status_of([&] { RunFolder::create(folder.path(), "x"); }), ExitStatus::usage);
  EXPECT_EQ(status_of([&] { RunFolder::create(folder / "notes", "x"); }), ExitStatus::usage);
  EXPECT_EQ(status_of([&] { RunFolder::open(folder / "nothing"); }), ExitStatus::no_input);
  EXPECT_EQ(status_of([&] { RunFolder::open(folder.path()); }), ExitStatus::no_input);
}

TEST(RunFolder, NumbersRunsOfTheSameDay) {
  TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const RunFolder first = RunFolder::create("", "molecule"), second = RunFolder::create("", "molecule");
  std::filesystem::current_path(before);
  EXPECT_TRUE(first.path().string().starts_with("runs/molecule-2"));
  EXPECT_TRUE(first.path().string().ends_with("-1"));
  EXPECT_TRUE(second.path().string().ends_with("-2"));
}

TEST(RunFolder, IsHeldByOneProcessAndFreeAfterAKill) {
  TemporaryFolder folder;
  write_file_atomically(folder / "config.toml", std::string_view(""));
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunFolder held = RunFolder::open(folder.path());
    [[maybe_unused]] const ssize_t n = ::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  std::string message;
  EXPECT_EQ(status_of([&] { RunFolder::open(folder.path()); }, &message), ExitStatus::busy);
  EXPECT_NE(message.find("process " + std::to_string(child)), std::string::npos) << message;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(status_of([&] { RunFolder::open(folder.path()); }), ExitStatus::success);
}

}  // namespace
}  // namespace boltzflow
