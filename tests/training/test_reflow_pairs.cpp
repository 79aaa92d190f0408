// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/training/reflow_pairs.hpp"

namespace boltzflow {
namespace {

using testing::HasSubstr;
const auto always = [](std::int64_t) { return true; };

class ReflowPairsFile : public testing::Test {
 protected:
  ReflowPairsFile()
      : folder_(std::filesystem::temp_directory_path() / ("boltzflow-reflow-" + std::to_string(::getpid()))),
        path_(folder_ / "pairs") {
    std::filesystem::create_directories(folder_);
  }
  ~ReflowPairsFile() override { std::filesystem::remove_all(folder_); }

  static ReflowPairsHeader header() {
    return {.dimension = 3, .block_size = 10, .seed = 7, .teacher_hash = 0xabc, .coordinates = "test, nm"};
  }
  /// The teacher: x1 = 2 x0 + 1.
  static void transport(std::span<const float> x0, std::span<float> x1) {
    for (std::size_t i = 0; i < x0.size(); ++i) x1[i] = 2 * x0[i] + 1;
  }
  std::int64_t generate(std::int64_t n, const ReflowPairsHeader& wanted = header()) const {
    return generate_reflow_pairs(path_, wanted, n, &transport, always);
  }
  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& contents) const { std::ofstream(path_, std::ios::binary) << contents; }
  template <class Exception, class Function>
  static std::string message_of(Function function) {
    try {
      function();
    } catch (const Exception& error) {
      return error.what();
    }
    return "(nothing was thrown)";
  }
  std::string message_on_opening() const {
    return message_of<InputError>([&] { ReflowPairs pairs(path_); });
  }

  static constexpr std::size_t beginning = 4096, block_bytes = 10 * 3 * sizeof(float) + 8;
  std::filesystem::path folder_, path_;
};

TEST_F(ReflowPairsFile, GivesBackPairsInAnyOrder) {
  EXPECT_EQ(generate(25), 30);  // whole blocks
  const ReflowPairs pairs(path_);
  EXPECT_EQ(pairs.size(), 30);
  EXPECT_EQ(pairs.header(), header());
  const std::vector<std::int64_t> indices = {29, 0, 11, 11};
  std::vector<float> x0(12), x1(12), again(3);
  pairs.read(indices, x0, x1);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(x1[i], 2 * x0[i] + 1);
  for (std::size_t k = 0; k < 4; ++k) {
    reflow_base_points(header(), indices[k], again);
    EXPECT_TRUE(std::equal(again.begin(), again.end(), x0.begin() + static_cast<std::ptrdiff_t>(3 * k)));
  }
  EXPECT_THAT(message_of<InputError>([&] {
                pairs.read(std::vector<std::int64_t>{1, 30, 2, 3}, x0, x1);
              }),
              HasSubstr("no reflow pair 30; there are 30"));
  EXPECT_THROW(pairs.read(indices, x0, again), InputError);
}

// 3e4 numbers: 5 standard errors of mean and variance are a false alarm of 6e-7 each.
TEST_F(ReflowPairsFile, BasePointsAreStandardNormalAndDifferWithTheSeed) {
  std::vector<float> x(30000), other(3);
  reflow_base_points(header(), 0, x);
  double mean = 0, square = 0;
  for (const float value : x) {
    mean += value / 30000.0;
    square += value * value / 30000.0;
  }
  EXPECT_NEAR(mean, 0, 5 / std::sqrt(30000.0));
  EXPECT_NEAR(square, 1, 5 * std::sqrt(2 / 30000.0));
  auto seeded = header();
  seeded.seed = 8;
  reflow_base_points(seeded, 0, other);
  EXPECT_NE(other[0], x[0]);
}

TEST_F(ReflowPairsFile, AStoppedKilledOrExtendedGenerationGivesTheSameFile) {
  generate(60);
  const std::string whole = bytes();
  std::filesystem::remove(path_);

  std::int64_t n_blocks = 0;  // asked to stop
  EXPECT_EQ(generate_reflow_pairs(path_, header(), 60, &transport, [&](std::int64_t) { return n_blocks++ < 2; }), 20);
  EXPECT_EQ(ReflowPairs(path_).size(), 20);
  EXPECT_EQ(generate(40), 40);
  EXPECT_EQ(bytes(), whole.substr(0, beginning + 4 * block_bytes));
  EXPECT_EQ(generate(60), 60);
  EXPECT_EQ(bytes(), whole);

  for (const std::size_t length : {std::size_t{0}, std::size_t{10}, std::size_t{300}, beginning, beginning + 5,
                                   beginning + 3 * block_bytes + 40, whole.size() - 1}) {  // killed
    write(whole.substr(0, length));
    EXPECT_EQ(generate(60), 60);
    EXPECT_EQ(bytes(), whole) << length;
  }
  std::string torn = whole;  // the machine crashed: the length is there, the contents are not
  std::fill(torn.end() - 60, torn.end(), '\0');
  write(torn);
  std::int64_t n_calls = 0;
  generate_reflow_pairs(path_, header(), 60, &transport, [&](std::int64_t n) { return ++n_calls, n == 50; });
  EXPECT_EQ(n_calls, 1);
  EXPECT_EQ(bytes(), whole);
}

TEST_F(ReflowPairsFile, ReadingWhileMoreAreGeneratedSeesWholeBlocks) {
  generate(30);
  const std::string whole = bytes();
  write(whole.substr(0, whole.size() - 20));
  EXPECT_EQ(ReflowPairs(path_).size(), 20);
}

TEST_F(ReflowPairsFile, DamageIsAnErrorThatNamesTheBlock) {
  generate(30);
  const std::string whole = bytes();
  std::string damaged = whole;
  damaged[beginning + block_bytes + 17] ^= 1;
  write(damaged);
  EXPECT_THAT(message_on_opening(), HasSubstr("block 1 (pairs 10 to 19) is damaged"));
  damaged = whole;
  damaged[60] ^= 4;
  write(damaged);
  EXPECT_THAT(message_on_opening(), HasSubstr("header of the reflow pairs is damaged"));
  EXPECT_THROW(generate(60), InputError);
  damaged = whole;
  damaged[16] = 9;
  write(damaged);
  EXPECT_THAT(message_on_opening(), HasSubstr("version 9"));
  write(whole.substr(0, beginning + 50));
  EXPECT_THAT(message_on_opening(), HasSubstr("no whole block"));
  for (const std::string& text : {std::string(), std::string("ATOM      1  N"), whole.substr(0, 2000)}) {
    write(text);
    EXPECT_THAT(message_on_opening(), HasSubstr("not a file of reflow pairs"));
  }
  write("ATOM      1  N");
  EXPECT_THROW(generate(60), InputError);
  EXPECT_EQ(bytes(), "ATOM      1  N");  // another's file is left alone
  std::filesystem::remove(path_);
  EXPECT_THROW(ReflowPairs pairs(path_), MissingInputError);
}

TEST_F(ReflowPairsFile, PairsOfAnotherTeacherAreRefused) {
  generate(10);
  const auto with = [](auto change) {
    auto changed = header();
    change(changed);
    return changed;
  };
  const auto refusal = [&](const ReflowPairsHeader& wanted) {
    return message_of<InputError>([&] { generate(20, wanted); });
  };
  EXPECT_THAT(refusal(with([](auto& h) { h.teacher_hash = 0xdef; })),
              HasSubstr("a teacher with hash 0000000000000abc, not 0000000000000def"));
  EXPECT_THAT(refusal(with([](auto& h) { h.dimension = 4; })), HasSubstr("dimension 3, not 4"));
  EXPECT_THAT(refusal(with([](auto& h) { h.seed = 8; })), HasSubstr("seed 7, not 8"));
  EXPECT_THAT(refusal(with([](auto& h) { h.coordinates = "test, angstrom"; })), HasSubstr("test, nm, not test, angs"));
  EXPECT_THROW(generate(20, with([](auto& h) { h.block_size = 0; })), InputError);
  const ReflowPairs pairs(path_);
  pairs.require(3, "test, nm", 0xabc);
  EXPECT_THAT(message_of<InputError>([&] { pairs.require(3, "test, nm", 0xabd); }), HasSubstr("abc, not"));
  EXPECT_THROW(pairs.require(6, "test, nm", 0xabc), InputError);
}

TEST_F(ReflowPairsFile, ATeacherThatFailsLeavesWholeBlocks) {
  const auto fails_later = [n = 0](std::span<const float> x0, std::span<float> x1) mutable {
    transport(x0, x1);
    if (++n == 3) x1[7] = std::numeric_limits<float>::quiet_NaN();
  };
  EXPECT_THAT(message_of<InputError>([&] { generate_reflow_pairs(path_, header(), 60, fails_later, always); }),
              HasSubstr("sent pair 22 to a value that is not finite"));
  EXPECT_EQ(ReflowPairs(path_).size(), 20);
}

TEST_F(ReflowPairsFile, AFullDiskLeavesWholeBlocksAndSaysSo) {
  generate(20);
  struct rlimit old {};
  getrlimit(RLIMIT_FSIZE, &old);
  struct rlimit small = old;  // stands in for a full disk: writing past it fails half-way through a block
  small.rlim_cur = beginning + 3 * block_bytes + 30;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = message_of<IoError>([&] { generate(60); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr("cannot be written"));
  EXPECT_EQ(bytes().size(), beginning + 3 * block_bytes);
  EXPECT_EQ(ReflowPairs(path_).size(), 30);
  EXPECT_THAT(
      message_of<IoError>([&] { generate_reflow_pairs(folder_ / "no" / "pairs", header(), 10, &transport, always); }),
      HasSubstr("No such file or directory"));
  EXPECT_THROW(ReflowPairs pairs(folder_), InputError);
}

TEST_F(ReflowPairsFile, ASecondWriterIsTurnedAway) {
  generate(10);
  const int descriptor = ::open(path_.c_str(), O_RDWR);
  ASSERT_EQ(::flock(descriptor, LOCK_EX), 0);
  EXPECT_THROW(generate(20), BusyError);
  ::close(descriptor);
  EXPECT_EQ(generate(20), 20);
}

TEST_F(ReflowPairsFile, AContinuousFlowTeaches) {
  ContinuousFlowOptions options;
  options.velocity = "two-layer";
  options.hidden_width = 8;
  ContinuousFlow teacher = make_continuous_flow(3, {}, options, 1);
  const std::uint64_t new_hash = parameters_hash(teacher);
  at::Tensor flat = teacher.flat_parameters().clone();
  RandomStream random(3);
  for (std::int64_t i = 0; i < flat.numel(); ++i)
    flat.mutable_data_ptr<float>()[i] += static_cast<float>(0.2 * random.normal());
  teacher.set_flat_parameters(flat);
  EXPECT_NE(parameters_hash(teacher), new_hash);
  EXPECT_EQ(parameters_hash(*teacher.copy()), parameters_hash(teacher));
  const auto flow = [&](std::span<const float> x0, std::span<float> x1) {
    const auto n = static_cast<std::int64_t>(x0.size()) / 3;
    at::Tensor x = at::empty({n, 3}, at::kFloat);
    std::copy(x0.begin(), x0.end(), x.mutable_data_ptr<float>());
    const at::Tensor y = teacher.transport(x).contiguous();
    std::copy_n(y.const_data_ptr<float>(), x1.size(), x1.begin());
  };
  auto described = header();
  described.teacher_hash = parameters_hash(teacher);
  generate_reflow_pairs(path_, described, 20, flow, always);
  const ReflowPairs pairs(path_);
  std::vector<float> x0(3), x1(3);
  pairs.read(std::vector<std::int64_t>{13}, x0, x1);
  const at::Tensor expected = teacher.transport(at::tensor(x0).view({1, 3}));
  // Alone, a sample takes other steps than in its block: the same to the tolerance.
  for (std::int64_t j = 0; j < 3; ++j) EXPECT_NEAR(x1[static_cast<std::size_t>(j)], expected[0][j].item<float>(), 1e-3);
}

}  // namespace
}  // namespace boltzflow
