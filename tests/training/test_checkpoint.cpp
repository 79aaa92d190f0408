// SPDX-License-Identifier: MIT
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/checkpoint.hpp"

namespace boltzflow {
namespace {

class Checkpoint : public testing::Test {
 protected:
  Checkpoint()
      : folder_(std::filesystem::temp_directory_path() / ("boltzflow-checkpoint-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Checkpoint() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path write() {
    CheckpointWriter writer;
    writer.values["answer"] = 42;
    const std::vector<double> numbers{1.5, -0.0, std::numeric_limits<double>::infinity(), 5e-324};
    const std::vector<std::uint32_t> indices{1, 2, 3};
    writer.add("numbers", numbers);
    writer.add("indices", indices);
    writer.add("empty", empty_);
    writer.add("tensor", at::arange(6, at::kFloat).reshape({2, 3}).t());
    writer.write(folder_ / "c");
    return folder_ / "c";
  }
  const std::filesystem::path folder_;
  const std::vector<float> empty_;
};

TEST_F(Checkpoint, ComesBackToTheBit) {
  const CheckpointReader reader(write());
  EXPECT_EQ(reader.value<int>("answer"), 42);
  EXPECT_EQ(reader.array<std::uint32_t>("indices"), (std::vector<std::uint32_t>{1, 2, 3}));
  const auto numbers = reader.array<double>("numbers");
  ASSERT_EQ(numbers.size(), 4u);
  EXPECT_TRUE(std::signbit(numbers[1]));
  EXPECT_TRUE(std::isinf(numbers[2]));
  EXPECT_EQ(numbers[3], 5e-324);
  EXPECT_TRUE(reader.array<float>("empty").empty());
  const at::Tensor tensor = at::zeros({3, 2});
  reader.copy_into("tensor", tensor);
  EXPECT_TRUE(tensor.equal(at::arange(6, at::kFloat).reshape({2, 3}).t()));
}

TEST_F(Checkpoint, SaysWhatIsMissingOrOfTheWrongSize) {
  const CheckpointReader reader(write());
  EXPECT_THROW(reader.value<int>("question"), InputError);
  EXPECT_THROW(reader.value<std::string>("answer"), InputError);
  EXPECT_THROW(reader.array<float>("nothing"), InputError);
  EXPECT_THROW(reader.array<double>("indices"), InputError);
  EXPECT_THROW(reader.copy_into("tensor", at::zeros({7})), InputError);
}

TEST_F(Checkpoint, EveryDamagedByteIsNoticed) {
  const std::filesystem::path path = write();
  const std::string good = read_file(path);
  for (std::size_t i = 0; i < good.size(); i += 5) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    write_file_atomically(path, bad);
    EXPECT_THROW(CheckpointReader{path}, InputError) << "byte " << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{24}, std::size_t{32}, good.size() - 1}) {
    write_file_atomically(path, std::string_view(good).substr(0, size));
    EXPECT_THROW(CheckpointReader{path}, InputError) << "length " << size;
  }
}

TEST_F(Checkpoint, ForeignMissingAndUnwritableFilesAreClearErrors) {
  write_file_atomically(folder_ / "foreign", "PK\x03\x04 something else entirely, and long enough to hold a header");
  try {
    CheckpointReader reader(folder_ / "foreign");
    FAIL() << "a foreign file was read";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("foreign"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("not a checkpoint"), std::string::npos);
  }
  EXPECT_THROW(CheckpointReader(folder_ / "none"), MissingInputError);
  CheckpointWriter writer;
  EXPECT_THROW(writer.write(folder_ / "no-such-folder" / "c"), IoError);
}

}  // namespace
}  // namespace boltzflow
