// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/chirality.hpp"

#include <gmock/gmock.h>

#include "boltzflow/base/errors.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

TEST(Chirality, FindsTheCentresOfPeptides) {
  EXPECT_THAT(Chirality(alanine_dipeptide()).names(), testing::ElementsAre(testing::HasSubstr("CA")));
  EXPECT_EQ(Chirality(load_system("alanine-tetrapeptide")).centres().size(), 3u);
  // ELIL: four alpha carbons and CB of isoleucine; CG of the two leucines is no stereocentre.
  EXPECT_EQ(Chirality(load_system("elil")).centres().size(), 5u);
  EXPECT_EQ(Chirality(chiral_aldehyde()).centres().size(), 1u);
  EXPECT_TRUE(Chirality(ethylamine()).centres().empty());
  // The names say the same, and the built-in amino acids are L.
  const MolecularSystem elil = load_system("elil");
  for (const Stereocentre& named : stereocentres(elil)) EXPECT_GT(signed_volume(named, elil.positions), 0);
}

TEST(Chirality, MarksAndMendsMirrorImages) {
  const MolecularSystem system = load_system("alanine-tetrapeptide");
  const Chirality chirality(system);
  const std::size_t width = system.positions.size();
  std::vector<double> frames;
  for (int n = 0; n < 3; ++n) frames.insert(frames.end(), system.positions.begin(), system.positions.end());
  for (std::size_t i = width; i < 2 * width; ++i) frames[i] = -frames[i];
  // Frame 2: one centre turned over by exchanging the places of two of its neighbours.
  const Stereocentre& centre = chirality.centres()[1];
  for (std::size_t axis = 0; axis < 3; ++axis)
    std::swap(frames[2 * width + 3 * static_cast<std::size_t>(centre.neighbours[0]) + axis],
              frames[2 * width + 3 * static_cast<std::size_t>(centre.neighbours[1]) + axis]);
  std::vector<std::uint8_t> wrong(9);
  chirality.wrong_centres(frames, wrong);
  EXPECT_EQ(wrong, (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 1, 0, 1, 0}));
  EXPECT_EQ(chirality.invert_mirror_images(frames), 1);
  chirality.wrong_centres(frames, wrong);
  EXPECT_EQ(wrong, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 0, 0, 1, 0}));
  EXPECT_EQ(std::vector<double>(frames.begin() + static_cast<std::ptrdiff_t>(width),
                                frames.begin() + static_cast<std::ptrdiff_t>(2 * width)),
            system.positions);
}

TEST(Chirality, NeedsAReferenceStructure) {
  MolecularSystem system = alanine_dipeptide();
  std::vector<std::uint8_t> wrong(2);
  EXPECT_THROW(Chirality(system).wrong_centres(system.positions, wrong), InputError);
  system.positions.clear();
  EXPECT_THROW(Chirality{system}, InputError);
}

}  // namespace
}  // namespace boltzflow
