// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/check_trajectory.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "boltzflow/base/errors.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// n frames of the reference structure, each moved and with 0.003 nm of noise.
std::vector<double> frames_of(const MolecularSystem& system, std::size_t n) {
  RandomStream random(2);
  std::vector<double> frames;
  for (std::size_t frame = 0; frame < n; ++frame) {
    const double shift = 10 * random.normal();
    for (const double value : system.positions) frames.push_back(value + shift + 0.003 * random.normal());
  }
  return frames;
}

std::string refusal(const std::vector<double>& frames, const MolecularSystem& system = alanine_dipeptide()) {
  try {
    (void)check_trajectory(system, frames, "md.dcd");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no refusal";
}

TEST(CheckTrajectory, SaysNothingOfGoodFrames) {
  for (const char* name : {"alanine-dipeptide", "alanine-tetrapeptide", "elil"}) {
    const MolecularSystem system = load_system(name);
    const TrajectoryCheck check = check_trajectory(system, frames_of(system, 50), "md.dcd");
    EXPECT_EQ(check.n_frames, 50);
    EXPECT_NEAR(check.bond_length_ratio, 1, 0.02);
    EXPECT_THAT(check.warnings, IsEmpty());
    EXPECT_THAT(check.broken, IsEmpty());
    EXPECT_THAT(check.wrong_handed, IsEmpty());
    EXPECT_EQ(check.n_duplicates, 0);
  }
}

TEST(CheckTrajectory, NamesUnitsWrongByTen) {
  for (const auto& [factor, words] :
       {std::pair(10.0, "divide them by 10"), std::pair(0.1, "multiply them by 10"), std::pair(100.0, "nm")}) {
    std::vector<double> frames = frames_of(alanine_dipeptide(), 20);
    for (double& value : frames) value *= factor;
    EXPECT_THAT(refusal(frames), testing::AllOf(HasSubstr("md.dcd: "), HasSubstr(words)));
  }
  EXPECT_THAT(refusal(std::vector<double>(66, 0.0)), HasSubstr("0 times as long"));
}

TEST(CheckTrajectory, RefusesOtherMoleculesAndOrders) {
  std::vector<double> frames = frames_of(alanine_dipeptide(), 20);
  for (std::size_t frame = 0; frame < 20; ++frame)  // the atoms backwards
    for (std::size_t atom = 0; atom < 11; ++atom)
      for (std::size_t axis = 0; axis < 3; ++axis)
        std::swap(frames[66 * frame + 3 * atom + axis], frames[66 * frame + 3 * (21 - atom) + axis]);
  EXPECT_THAT(refusal(frames), HasSubstr("another order"));
  // 11 frames of 42 atoms are as many coordinates as 21 of 22.
  EXPECT_THAT(refusal(frames_of(load_system("alanine-tetrapeptide"), 11)), HasSubstr("bonds"));
  EXPECT_THAT(refusal(frames_of(load_system("alanine-tetrapeptide"), 10)), HasSubstr("has 22 atoms"));
  EXPECT_THAT(refusal({}), HasSubstr("no frames"));
  std::vector<double> broken = frames_of(alanine_dipeptide(), 3);
  broken[66 + 3 * 4 + 1] = std::nan("");
  EXPECT_THAT(refusal(broken), testing::AllOf(HasSubstr("frame 1"), HasSubstr("atom 4"), HasSubstr("not finite")));
}

TEST(CheckTrajectory, CountsBrokenBondsMirrorImagesAndRepeats) {
  const MolecularSystem system = load_system("alanine-tetrapeptide");
  const std::size_t width = system.positions.size();
  std::vector<double> frames = frames_of(system, 10);
  frames[3 * width] += 1;                                                      // frame 3: atom 0 torn off
  for (std::size_t i = 5 * width; i < 6 * width; ++i) frames[i] = -frames[i];  // frame 5: all D
  std::copy_n(frames.begin(), width, frames.begin() + static_cast<std::ptrdiff_t>(7 * width));  // frame 7 is frame 0
  const TrajectoryCheck check = check_trajectory(system, frames, "md.dcd");
  EXPECT_THAT(check.broken, ElementsAre(3));
  EXPECT_THAT(check.wrong_handed, ElementsAre(5));
  EXPECT_EQ(check.n_duplicates, 1);
  ASSERT_EQ(check.warnings.size(), 5u);  // one for each stereocentre
  EXPECT_THAT(check.warnings[0], testing::AllOf(HasSubstr("1 of 10 frames (10 %)"), HasSubstr("frame 3")));
  EXPECT_THAT(check.warnings[1], testing::AllOf(HasSubstr("CA"), HasSubstr("D-ALA"), HasSubstr("frame 5")));
  EXPECT_THAT(check.warnings[4], HasSubstr("first frame 7"));

  for (double& value : frames) value = -value;
  const TrajectoryCheck mirrored = check_trajectory(system, std::span(frames).first(width), "md.dcd");
  EXPECT_THAT(mirrored.warnings.back(), HasSubstr("mirror image"));
}

}  // namespace
}  // namespace boltzflow
