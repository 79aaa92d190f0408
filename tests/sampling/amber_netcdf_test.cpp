// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/amber_netcdf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class AmberNetcdf : public ::testing::Test {
 protected:
  AmberNetcdf() {
    std::filesystem::create_directory(folder_);
    RandomStream random(1);
    for (int frame = 0; frame < 5; ++frame)
      for (const double x : system_.positions) positions_.push_back(x + 0.02 * random.normal());
  }
  ~AmberNetcdf() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path path(const char* name = "a.nc") const { return folder_ / name; }
  std::string write() const {
    const auto writer = make_frame_writer(path(), system_);
    const std::span<const double> all = positions_;
    const std::vector<double> time{10, 20, 30, 40, 50};
    writer->append({2, all.subspan(0, 2 * 66), {{"time", std::span(time).first(2)}}});
    writer->append({0, {}, {{"time", {}}}});
    writer->append({3, all.subspan(2 * 66), {{"time", std::span(time).last(3)}}});
    writer->finish();
    return read_file(path());
  }
  void expect_refused(const std::string& contents, const char* message) const {
    write_file_atomically(path("bad.nc"), contents);
    EXPECT_THAT([&] { read_frames(path("bad.nc")); }, ThrowsMessage<InputError>(HasSubstr(message)));
  }

  MolecularSystem system_ = load_system("alanine-dipeptide");
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("boltzflow-nc-" + std::to_string(::getpid()));
  std::vector<double> positions_;
};

TEST_F(AmberNetcdf, RoundTripInPieces) {
  write();
  const Frames frames = read_frames(path(), &system_);
  ASSERT_EQ(frames.n_frames, 5);
  for (std::size_t n = 0; n < positions_.size(); ++n)
    ASSERT_NEAR(frames.positions[n], positions_[n], 3e-8) << n;  // half a unit of float32 below 8 Angstrom
  EXPECT_EQ(frames.arrays.at("time"), (std::vector<double>{10, 20, 30, 40, 50}));
}

TEST_F(AmberNetcdf, NoFramesIsAFileToo) {
  const auto writer = make_frame_writer(path(), system_);
  writer->append({0, {}});
  writer->finish();
  EXPECT_EQ(read_frames(path()).n_frames, 0);
  EXPECT_EQ(read_frames(path()).n_atoms, 22);
}

TEST_F(AmberNetcdf, RefusesWhatItCannotHold) {
  const auto writer = make_frame_writer(path(), system_);
  EXPECT_THROW(writer->append({1, std::span<const double>(positions_).first(65)}), InputError);
  auto far = positions_;
  far[7] = 1e31;
  EXPECT_THROW(writer->append({5, far}), InputError);
  far[7] = std::nan("");
  EXPECT_THROW(writer->append({5, far}), InputError);
}

TEST_F(AmberNetcdf, OtherProgramsReadItAndItReadsTheirs) {
  write();
  {
    const auto writer = make_frame_writer(path("a.pdb"), system_);
    writer->append({1, std::span<const double>(positions_).first(66)});
    writer->finish();
  }
  std::ofstream(path("a.txt")) << [&] {
    std::string text;
    for (const double x : positions_) text += std::to_string(x) + "\n";
    return text;
  }();
  const std::string command = std::string(BOLTZFLOW_PYTHON) + " " + BOLTZFLOW_SOURCE_DIR +
                              "/tests/sampling/netcdf_in_other_programs.py " + folder_.string();
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
  for (const char* theirs : {"mdtraj.nc", "mdanalysis.nc", "scipy_1.nc", "scipy_2.nc", "nanometer.nc"}) {
    const Frames frames = read_frames(path(theirs), &system_);
    ASSERT_EQ(frames.n_frames, 5) << theirs;
    for (std::size_t n = 0; n < positions_.size(); ++n)
      ASSERT_NEAR(frames.positions[n], positions_[n], 1.1e-6) << theirs;  // the text file has 6 decimals
  }
}

TEST_F(AmberNetcdf, DamagedFilesAreRefused) {
  const std::string file = write();
  expect_refused("", "shorter than a header");
  expect_refused("\x89HDF\r\n\x1a\n and so on", "nccopy");
  expect_refused("CDF\x03" + file.substr(4), "classic NetCDF");
  expect_refused(file.substr(0, 100), "ends early");
  expect_refused(file.substr(0, file.size() - 1), "promises 5 frames, but the file holds 4");
  std::string renamed = file;
  renamed.replace(renamed.find("coordinates"), 5, "COORD");
  expect_refused(renamed, "no variable \"coordinates\"");
  std::string flat = file;
  flat.replace(flat.find("spatial") + 8, 4, std::string("\0\0\0\2", 4));
  expect_refused(flat, "[frame, atom, 3]");
}

// Whatever the bytes say, the reader returns or throws an Error; memory stays in proportion to the file.
TEST_F(AmberNetcdf, MutatedFilesNeverCrash) {
  const std::string file = write();
  RandomStream random(2);
  int n_refused = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bad = file;
    for (std::uint64_t change = 0; change <= random.below(3); ++change) {
      const std::size_t at = random.below(random.below(4) == 0 ? bad.size() : 500);
      switch (random.below(4)) {
        case 0:
          bad[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          for (std::size_t i = at & ~std::size_t{3}; i < (at & ~std::size_t{3}) + 4; ++i)
            bad[i] = static_cast<char>(random.below(2) ? 0xff : 0x7f);
          break;
        case 2:
          bad.erase(at, 4 * (1 + random.below(8)));
          break;
        default:
          bad.resize(std::max<std::size_t>(at, 500));
      }
      bad.resize(std::max<std::size_t>(bad.size(), 500));
    }
    std::ofstream(path("mutated.nc"), std::ios::binary) << bad;
    try {
      const Frames frames = read_frames(path("mutated.nc"));
      EXPECT_LE(frames.positions.size() * 4, bad.size());
    } catch (const Error&) {
      ++n_refused;
    }
  }
  EXPECT_GT(n_refused, 500);
}

}  // namespace
}  // namespace boltzflow
