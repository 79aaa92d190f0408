// SPDX-License-Identifier: MIT
#include "boltzflow/base/atomic_file.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / ("boltzflow-" + std::string(test->name()) + "-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::size_t n_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(AtomicFile, WritesAndReplacesWholeFiles) {
  const fs::path path = folder_ / "a.bin";
  std::string contents(300'000, 'x');
  contents[5] = '\0';
  write_file_atomically(path, contents);
  EXPECT_EQ(read_file(path), contents);
  write_file_atomically(path, "");
  EXPECT_EQ(read_file(path), "");
  EXPECT_EQ(n_files(), 1u);  // nothing temporary stays
}

TEST_F(AtomicFile, TheOldFileSurvivesAWriterThatFails) {
  const fs::path path = folder_ / "model";
  write_file_atomically(path, "old");
  EXPECT_THROW(write_file_atomically(path,
                                     [](const fs::path& temporary) {
                                       write_file_atomically(temporary, "half of the new");
                                       throw std::runtime_error("writer failed");
                                     }),
               std::runtime_error);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(n_files(), 1u);
}

// A limit on the size of files stands for a full disk: write() fails half-way.
TEST_F(AtomicFile, TheOldFileSurvivesAFullDisk) {
  const fs::path path = folder_ / "model";
  write_file_atomically(path, "old");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string message;
  try {
    write_file_atomically(path, std::string(100'000, 'x'));
  } catch (const IoError& error) {
    message = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, testing::HasSubstr(path.string()));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(n_files(), 1u);
}

TEST_F(AtomicFile, AReadOnlyOrMissingFolderIsAnIoErrorThatNamesThePath) {
  try {
    write_file_atomically(folder_ / "missing" / "model", "new");
    FAIL() << "no error";
  } catch (const IoError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr((folder_ / "missing" / "model").string()));
  }
  if (::geteuid() == 0) {
    // Permissions do not bind root; /proc is a folder nobody can create files in.
    EXPECT_THROW(write_file_atomically("/proc/boltzflow-model", "new"), IoError);
  } else {
    fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_THROW(write_file_atomically(folder_ / "model", "new"), IoError);
    fs::permissions(folder_, fs::perms::owner_all);
  }
  fs::create_directories(folder_ / "taken" / "inside");  // a folder stands where the file should be
  EXPECT_THROW(write_file_atomically(folder_ / "taken", "new"), IoError);
}

TEST_F(AtomicFile, ReadingWhatIsNotThereIsAMissingInput) {
  EXPECT_THROW(read_file(folder_ / "none"), MissingInputError);
  EXPECT_THROW(read_file(folder_), MissingInputError);
}

}  // namespace
}  // namespace boltzflow
