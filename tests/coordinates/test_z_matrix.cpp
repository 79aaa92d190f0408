// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <set>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/build_z_matrix.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/torsion_ranges.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

std::string message_of(const MolecularSystem& system) {
  try {
    InternalCoordinates coordinates(system);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

MolecularSystem with_rows(ZMatrix z_matrix) {
  auto system = alanine_dipeptide();
  system.z_matrix = std::move(z_matrix);
  return system;
}

TEST(ZMatrix, ErrorsNameTheAtom) {
  const ZMatrix good = *alanine_dipeptide().z_matrix;
  using testing::HasSubstr;
  auto bad = good;
  bad.rows.pop_back();
  EXPECT_THAT(message_of(with_rows(bad)), HasSubstr("CB of ALA 2 (atom 10) is never placed"));
  bad = good;
  bad.rows[0].atom = 15;
  EXPECT_THAT(message_of(with_rows(bad)), HasSubstr("O of ALA 2 (atom 15) is placed twice"));
  bad = good;
  bad.rows[3].torsion = 22;
  EXPECT_THAT(message_of(with_rows(bad)), HasSubstr("row 3: atom 22 is not in [0, 22)"));
  bad = good;
  bad.rows[3].torsion = bad.rows[3].bond;
  EXPECT_THAT(message_of(with_rows(bad)), HasSubstr("stands in it twice"));
  bad = good;
  bad.rows[0] = {0, 1, 4, 2};  // atom 2 is placed relative to atom 0
  EXPECT_THAT(message_of(with_rows(bad)), HasSubstr("in a circle"));
  EXPECT_THAT(message_of(with_rows(good)), "no error");
}

TEST(ZMatrix, OrderPlacesReferencesFirst) {
  const auto& system = alanine_dipeptide();
  const auto order = placement_order(*system.z_matrix, system);
  std::set<int> placed(system.z_matrix->root.begin(), system.z_matrix->root.end());
  for (const int r : order) {
    const auto& row = system.z_matrix->rows[static_cast<std::size_t>(r)];
    EXPECT_TRUE(placed.contains(row.bond) && placed.contains(row.angle) && placed.contains(row.torsion));
    EXPECT_TRUE(placed.insert(row.atom).second);
  }
  EXPECT_EQ(placed.size(), 22u);
}

TEST(ZMatrix, BuilderPlacesEveryAtomOnABondedNeighbour) {
  auto peptide = alanine_dipeptide();
  peptide.z_matrix.reset();
  const auto cyclopropane_like = sketch("three ring", {{"C"},
                                                       {"C", 0, -1, -1, 0.151},
                                                       {"C", 1, 0, -1, 0.151, 60},
                                                       {"H", 0, 1, 2, 0.108, 118, 110},
                                                       {"H", 0, 1, 2, 0.108, 118, -110},
                                                       {"H", 1, 2, 0, 0.108, 118, 110},
                                                       {"H", 1, 2, 0, 0.108, 118, -110},
                                                       {"F", 2, 0, 1, 0.138, 118, 110},
                                                       {"H", 2, 0, 1, 0.108, 118, -110}});
  for (auto system : {peptide, ethylamine(), chiral_aldehyde(), hydrogen_peroxide(), cyclopropane_like}) {
    const ZMatrix z_matrix = build_z_matrix(system);
    const auto neighbours = neighbours_of(system);
    const auto bonded = [&](int i, int j) {
      const auto& list = neighbours[static_cast<std::size_t>(i)];
      return std::find(list.begin(), list.end(), j) != list.end();
    };
    EXPECT_TRUE(bonded(z_matrix.root[0], z_matrix.root[1]) && bonded(z_matrix.root[1], z_matrix.root[2]));
    std::set<std::pair<int, int>> proper;  // torsions about a bond: one each, so that turning is one coordinate
    for (const auto& row : z_matrix.rows) {
      EXPECT_TRUE(bonded(row.atom, row.bond)) << system.name;
      EXPECT_TRUE(bonded(row.bond, row.angle)) << system.name;
      if (!bonded(row.torsion, row.bond)) {
        EXPECT_TRUE(proper.insert({row.bond, row.angle}).second) << system.name;
      }
    }
    EXPECT_EQ(placement_order(z_matrix, system).size(), z_matrix.rows.size());
    // And it serves: the reference structure is representable.
    const InternalCoordinates coordinates(system);
    std::vector<double> z(static_cast<std::size_t>(coordinates.dimension())), log_det(1);
    std::vector<std::uint8_t> representable(1);
    coordinates.from_cartesian(system.positions, z, log_det, representable);
    EXPECT_EQ(representable[0], 1) << system.name;
  }
}

TEST(ZMatrix, BuilderConfinesTheSameAtomsAsTheLiterature) {
  auto system = alanine_dipeptide();
  system.z_matrix.reset();
  const InternalCoordinates coordinates(system);
  std::multiset<std::string> confined;
  for (std::size_t r = 0; r < coordinates.torsion_ranges().size(); ++r)
    if (coordinates.torsion_ranges()[r] != TorsionRange::full)
      confined.insert(system.atoms[static_cast<std::size_t>(coordinates.z_matrix().rows[r].bond)].name);
  // Two of each methyl group's three hydrogens (ACE CH3, CB, NME C or CH3) and HA.
  EXPECT_EQ(confined.size(), 7u);
  EXPECT_EQ(confined.count("CA"), 1u);
  EXPECT_EQ(confined.count("CB"), 2u);
}

TEST(ZMatrix, BuilderAvoidsReferencesOnOneLine) {
  const auto system = acetonitrile();
  const InternalCoordinates coordinates(system);
  const auto& rows = coordinates.z_matrix().rows;
  for (const auto& row : rows) {
    EXPECT_GT(std::sin(angle_between(system.positions, row.atom, row.bond, row.angle)), 0.1);
    EXPECT_GT(std::sin(angle_between(system.positions, row.bond, row.angle, row.torsion)), 0.1);
  }
}

TEST(ZMatrix, BuilderNamesAnAtomWithoutBonds) {
  auto system = ethylamine();
  std::erase_if(system.bonds, [](const auto& bond) { return bond[1] == 9; });
  EXPECT_THAT(message_of(system), testing::HasSubstr("atom 9 is not connected"));
}

// A planar amine's second hydrogen moves through 180 degrees, so a half circle would cut that motion in two: the names
// are told apart by the torsion about C-N instead.
TEST(TorsionRanges, PlanarAmineIsFoldedAndAPyramidalOneConfined) {
  const InternalCoordinates flat(formamide());
  int n_confined = 0;
  for (std::size_t r = 0; r < flat.torsion_ranges().size(); ++r) {
    if (flat.torsion_ranges()[r] == TorsionRange::full) {
      EXPECT_EQ(flat.torsion_folds()[r], -1);
      continue;
    }
    ++n_confined;
    EXPECT_EQ(flat.z_matrix().rows[r].atom, 4);
    EXPECT_EQ(flat.torsion_ranges()[r], TorsionRange::front_half);
    ASSERT_GE(flat.torsion_folds()[r], 0);
    EXPECT_EQ(flat.z_matrix().rows[static_cast<std::size_t>(flat.torsion_folds()[r])].atom, 5);
  }
  EXPECT_EQ(n_confined, 1);
  n_confined = 0;
  const InternalCoordinates pyramidal(ethylamine());
  for (const auto range : pyramidal.torsion_ranges()) n_confined += range != TorsionRange::full;
  EXPECT_EQ(n_confined, 5);  // two of CH3, both of CH2, the second of NH2
}

// Random exchanges of equivalent hydrogens, and the frames they leave the molecule in, all become representable, and
// only hydrogens of one group change places.
TEST(RelabelEquivalentAtoms, MakesRandomPermutationsOfHydrogensRepresentable) {
  for (const auto& system : {alanine_dipeptide(), ethylamine()}) {
    const InternalCoordinates coordinates(system);
    const auto groups = find_equivalent_branches(system);
    EXPECT_EQ(groups.size(), 3u);
    constexpr std::size_t n = 200;
    const auto width = 3 * static_cast<std::size_t>(system.n_atoms());
    const auto z = base_samples(coordinates, n, 51);
    std::vector<double> x(n * width), log_det(n), z_again(z.size());
    std::vector<std::uint8_t> representable(n);
    coordinates.to_cartesian(z, x, log_det);
    const auto before = x;
    RandomStream random(52);
    int n_wrong = 0;
    for (std::size_t s = 0; s < n; ++s)
      for (const auto& group : groups)
        for (std::size_t k = group.branches.size() - 1; k > 0; --k) {
          const auto a = static_cast<std::size_t>(group.branches[k][0]),
                     b = static_cast<std::size_t>(group.branches[random.below(k + 1)][0]);
          for (std::size_t c = 0; c < 3; ++c) std::swap(x[s * width + 3 * a + c], x[s * width + 3 * b + c]);
        }
    coordinates.from_cartesian(x, z_again, log_det, representable);
    for (const auto flag : representable) n_wrong += flag == 0;
    EXPECT_GT(n_wrong, static_cast<int>(n) / 2);
    coordinates.relabel_equivalent_atoms(x);
    coordinates.from_cartesian(x, z_again, log_det, representable);
    std::vector<char> exchangeable(static_cast<std::size_t>(system.n_atoms()), 0);
    for (const auto& group : groups)
      for (const auto& branch : group.branches) exchangeable[static_cast<std::size_t>(branch[0])] = 1;
    for (std::size_t s = 0; s < n; ++s) {
      EXPECT_EQ(representable[s], 1);
      for (std::size_t i = 0; i < width; ++i)
        if (!exchangeable[i / 3]) {
          EXPECT_EQ(x[s * width + i], before[s * width + i]);
        }
    }
    auto unchanged = before;
    coordinates.relabel_equivalent_atoms(unchanged);
    EXPECT_EQ(unchanged, before);  // right labels are kept
  }
}

}  // namespace
}  // namespace boltzflow
