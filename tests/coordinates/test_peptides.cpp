// SPDX-License-Identifier: MIT
// Z-matrices, stereocentres and names of equivalent atoms of peptides with every amino acid (see make_peptides.py).
#include <gmock/gmock.h>

#include <array>
#include <map>
#include <set>
#include <string>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/check_coordinates.hpp"
#include "boltzflow/coordinates/equivalent_branches.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/coordinates/peptide_z_matrix.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/side_chains.hpp"
#include "boltzflow/coordinates/torsion_ranges.hpp"
#include "coordinates/coordinates_test_systems.hpp"
#include "coordinates/peptides.hpp"

namespace boltzflow {
namespace {

const std::vector<std::string> names{"all-residues", "tetra", "elil", "proline-first"};

int atom_of(const MolecularSystem& system, int residue, const std::string& name) {
  for (int i = 0; i < system.n_atoms(); ++i) {
    const Atom& atom = system.atoms[static_cast<std::size_t>(i)];
    if (atom.residue_number == residue && atom.name == name) return i;
  }
  ADD_FAILURE() << "no " << name << " in residue " << residue;
  return 0;
}

void exchange(std::span<double> frame, const std::vector<int>& a, const std::vector<int>& b) {
  for (std::size_t k = 0; k < a.size(); ++k)
    for (int c = 0; c < 3; ++c)
      std::swap(frame[static_cast<std::size_t>(3 * a[k] + c)], frame[static_cast<std::size_t>(3 * b[k] + c)]);
}

TEST(Peptide, EveryAminoAcidIsRecognisedByItsBondsAlone) {
  auto system = peptide("all-residues");
  const auto read = recognise_peptide(system);
  ASSERT_TRUE(read.has_value());
  std::vector<std::string> expected, found;
  for (const auto& residue : read->residues) {
    expected.push_back(system.atoms[static_cast<std::size_t>(residue.alpha)].residue_name);
    found.push_back(residue.name);
  }
  EXPECT_EQ(found, expected);
  EXPECT_THAT(found, testing::UnorderedElementsAreArray(side_chain_names()));
  EXPECT_EQ(found.size(), 20u);

  // Without names, and with the atoms in another order.
  std::vector<int> place(system.atoms.size());
  for (std::size_t i = 0; i < place.size(); ++i) place[i] = static_cast<int>(i);
  RandomStream random(3);
  for (std::size_t i = place.size() - 1; i > 0; --i) std::swap(place[i], place[random.below(i + 1)]);
  auto shuffled = system;
  for (std::size_t i = 0; i < place.size(); ++i) {
    shuffled.atoms[static_cast<std::size_t>(place[i])] = {"", system.atoms[i].element, "", 1, "A", 1.0};
    for (std::size_t c = 0; c < 3; ++c)
      shuffled.positions[3 * static_cast<std::size_t>(place[i]) + c] = system.positions[3 * i + c];
  }
  for (auto& [i, j] : shuffled.bonds) i = place[static_cast<std::size_t>(i)], j = place[static_cast<std::size_t>(j)];
  const auto nameless = recognise_peptide(shuffled);
  ASSERT_TRUE(nameless.has_value());
  found.clear();
  for (const auto& residue : nameless->residues) found.push_back(residue.name);
  EXPECT_EQ(found, expected);
}

TEST(Peptide, EveryAtomIsPlacedOnceOnABondedNeighbour) {
  for (const auto& name : names) {
    const auto system = peptide(name);
    const auto found = recognise_peptide(system);
    ASSERT_TRUE(found.has_value()) << name;
    const ZMatrix z_matrix = peptide_z_matrix(system, *found);
    const auto neighbours = neighbours_of(system);
    std::multiset<int> placed(z_matrix.root.begin(), z_matrix.root.end());
    for (const auto& row : z_matrix.rows) {
      placed.insert(row.atom);
      EXPECT_THAT(neighbours[static_cast<std::size_t>(row.bond)], testing::Contains(row.atom)) << name;
      EXPECT_THAT(neighbours[static_cast<std::size_t>(row.bond)], testing::Contains(row.angle)) << name;
    }
    EXPECT_EQ(placed.size(), system.atoms.size());
    for (int i = 0; i < system.n_atoms(); ++i) EXPECT_EQ(placed.count(i), 1u);
    const InternalCoordinates coordinates(system);
    EXPECT_EQ(coordinates.z_matrix().rows, z_matrix.rows);
    EXPECT_EQ(coordinates.dimension(), 3 * system.n_atoms() - 6);
    EXPECT_TRUE(from_cartesian(coordinates, system.positions).representable) << name;
  }
}

// The rows that bgmol's factory gives for ACE-(ALA)3-NME, in the atom order of TA-BG's structure.
TEST(Peptide, TetraHasTheRowsOfTheLiterature) {
  constexpr std::array<std::array<int, 4>, 39> rows{
      {{14, 8, 6, 4},    {16, 14, 8, 6},   {18, 16, 14, 8},  {24, 18, 16, 14}, {26, 24, 18, 16}, {28, 26, 24, 18},
       {34, 28, 26, 24}, {36, 34, 28, 26}, {38, 36, 34, 28}, {5, 4, 6, 8},     {0, 4, 6, 5},     {1, 0, 4, 5},
       {2, 0, 4, 1},     {3, 0, 4, 1},     {10, 8, 14, 6},   {15, 14, 8, 16},  {9, 8, 6, 14},    {7, 6, 8, 4},
       {11, 10, 8, 6},   {12, 10, 8, 11},  {13, 10, 8, 11},  {20, 18, 24, 16}, {25, 24, 18, 26}, {19, 18, 16, 24},
       {17, 16, 18, 14}, {21, 20, 18, 16}, {22, 20, 18, 21}, {23, 20, 18, 21}, {30, 28, 34, 26}, {35, 34, 28, 36},
       {29, 28, 26, 34}, {27, 26, 28, 24}, {31, 30, 28, 26}, {32, 30, 28, 31}, {33, 30, 28, 31}, {37, 36, 34, 38},
       {39, 38, 36, 34}, {40, 38, 36, 39}, {41, 38, 36, 39}}};
  const auto system = peptide("tetra");
  std::vector<int> place;
  for (const char* name : {"CH3", "HH31", "HH32", "HH33", "C", "O"}) place.push_back(atom_of(system, 1, name));
  for (const int residue : {2, 3, 4})
    for (const char* name : {"N", "H", "CA", "HA", "CB", "HB1", "HB2", "HB3", "C", "O"})
      place.push_back(atom_of(system, residue, name));
  for (const char* name : {"N", "H", "CH3", "HH31", "HH32", "HH33"}) place.push_back(atom_of(system, 5, name));
  const auto at = [&](int i) { return place[static_cast<std::size_t>(i)]; };
  const InternalCoordinates coordinates(system);
  EXPECT_EQ(coordinates.z_matrix().root, (std::array{at(4), at(6), at(8)}));
  ASSERT_EQ(coordinates.z_matrix().rows.size(), rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r)
    EXPECT_EQ(coordinates.z_matrix().rows[r],
              (ZMatrixRow{at(rows[r][0]), at(rows[r][1]), at(rows[r][2]), at(rows[r][3])}))
        << "row " << r;
  int n_confined = 0;
  for (const auto range : coordinates.torsion_ranges()) n_confined += range != TorsionRange::full;
  EXPECT_EQ(n_confined, 13);  // three HA and two hydrogens of each of five methyl groups
}

TEST(Peptide, OtherMoleculesFallBackToTheGeneralBuilder) {
  for (const auto& system : {ethylamine(), chiral_aldehyde(), formamide()})
    EXPECT_FALSE(recognise_peptide(system).has_value()) << system.name;
  auto fluorinated = peptide("tetra");  // no amino acid any more
  fluorinated.atoms[static_cast<std::size_t>(atom_of(fluorinated, 3, "HB1"))].element = "F";
  EXPECT_FALSE(recognise_peptide(fluorinated).has_value());
  EXPECT_EQ(InternalCoordinates(fluorinated).dimension(), 3 * 42 - 6);
  auto cyclic = peptide("tetra");  // both caps in a ring
  cyclic.bonds.push_back({atom_of(cyclic, 1, "CH3"), atom_of(cyclic, 5, "CH3")});
  EXPECT_FALSE(recognise_peptide(cyclic).has_value());
  EXPECT_EQ(InternalCoordinates(cyclic).dimension(), 3 * 42 - 6);
  auto loose = peptide("tetra");
  loose.bonds.clear();
  EXPECT_FALSE(recognise_peptide(loose).has_value());
}

// What the flow cannot represent: the other form of a stereocentre. The signs are those of L amino acids.
TEST(PeptideStereo, EverySampleHasTheFormsOfNaturalAminoAcids) {
  struct Centre {
    const char *residue, *a, *b, *centre, *hydrogen;
    double sign;
  };
  // The triple product of (a, b, hydrogen) from the centre.
  constexpr std::array centres{Centre{"", "N", "C", "CA", "HA", -1}, Centre{"ILE", "CA", "CG1", "CB", "HB", -1},
                               Centre{"THR", "CA", "OG1", "CB", "HB", -1}};
  for (const std::string name : {"all-residues", "elil"}) {
    const auto system = peptide(name);
    const InternalCoordinates coordinates(system);
    constexpr std::size_t n = 64;
    const auto z = base_samples(coordinates, n, 71);
    const auto width = system.positions.size();
    std::vector<double> x(n * width), log_det(n);
    coordinates.to_cartesian(z, x, log_det);
    const auto found = recognise_peptide(system);
    int n_checked = 0;
    for (const auto& residue : found->residues)
      for (const Centre& c : centres) {
        const int number = system.atoms[static_cast<std::size_t>(residue.alpha)].residue_number;
        if ((*c.residue != '\0' && residue.name != c.residue) || residue.name == "GLY") continue;
        const int a = atom_of(system, number, c.a), b = atom_of(system, number, c.b),
                  centre = atom_of(system, number, c.centre), h = atom_of(system, number, c.hydrogen);
        const auto volume = [&](std::span<const double> frame) {
          const auto from = [&](int atom, int k) {
            return frame[static_cast<std::size_t>(3 * atom + k)] - frame[static_cast<std::size_t>(3 * centre + k)];
          };
          double sum = 0;
          for (int k = 0; k < 3; ++k)
            sum += from(a, k) *
                   (from(b, (k + 1) % 3) * from(h, (k + 2) % 3) - from(b, (k + 2) % 3) * from(h, (k + 1) % 3));
          return sum;
        };
        ++n_checked;
        EXPECT_GT(c.sign * volume(system.positions), 0) << name << ' ' << residue.name << number << c.centre;
        for (std::size_t s = 0; s < n; ++s)
          EXPECT_GE(c.sign * volume(std::span(x).subspan(s * width, width)), 0) << residue.name << c.centre;
      }
    EXPECT_EQ(n_checked, name == "elil" ? 5 : 21);
    auto mirrored = system.positions;
    for (std::size_t i = 0; i < mirrored.size(); i += 3) mirrored[i] = -mirrored[i];
    coordinates.relabel_equivalent_atoms(mirrored);
    EXPECT_FALSE(from_cartesian(coordinates, mirrored).representable);
  }
}

// Which groups there are, by the residues' heavy atoms that carry them.
TEST(PeptideStereo, FindsTheEquivalentAtomsOfEveryResidue) {
  const auto system = peptide("all-residues");
  std::map<std::string, std::multiset<std::string>> large;
  std::map<std::string, int> hydrogens;
  for (const auto& group : find_equivalent_branches(system)) {
    const Atom& centre = system.atoms[static_cast<std::size_t>(group.centre)];
    if (group.branches[0].size() > 1)
      large[centre.residue_name].insert(centre.name);
    else if (system.atoms[static_cast<std::size_t>(group.branches[0][0])].element == "H")
      ++hydrogens[centre.residue_name];
  }
  // A ring's sides are equivalent seen from either of its ends.
  const std::map<std::string, std::multiset<std::string>> expected{
      {"ARG", {"CZ"}}, {"LEU", {"CG"}}, {"PHE", {"CG", "CZ"}}, {"TYR", {"CG", "CZ"}}, {"VAL", {"CB"}}};
  EXPECT_EQ(large, expected);
  const std::map<std::string, int> expected_hydrogens{
      {"ACE", 1}, {"ALA", 1}, {"ARG", 5}, {"ASN", 2}, {"ASP", 1}, {"CYS", 1}, {"GLN", 3}, {"GLU", 2},
      {"GLY", 1}, {"HIS", 1}, {"ILE", 3}, {"LEU", 3}, {"LYS", 5}, {"MET", 3}, {"NME", 1}, {"PHE", 1},
      {"PRO", 3}, {"SER", 1}, {"THR", 1}, {"TRP", 1}, {"TYR", 1}, {"VAL", 2}};
  EXPECT_EQ(hydrogens, expected_hydrogens);
}

// Of the two names of a conformation with two equivalent branches exactly one is representable, wherever in the cube it
// lies, so every conformation counts once; and relabelling finds it.
TEST(PeptideStereo, EveryPairOfEquivalentBranchesIsRepresentedOnce) {
  for (const auto& name : names) {
    const auto system = peptide(name);
    const InternalCoordinates coordinates(system);
    constexpr std::size_t n = 50;
    auto z = base_samples(coordinates, n, 72);
    const auto width = system.positions.size();
    const auto d = static_cast<std::size_t>(coordinates.dimension()), n_rows = coordinates.z_matrix().rows.size();
    // Improper torsions as in molecules: a pair on one side of its centre has no names to tell apart.
    const auto reference = from_cartesian(coordinates, system.positions);
    for (std::size_t r = 0; r < n_rows; ++r) {
      if (coordinates.torsion_folds()[r] >= 0) continue;
      const std::size_t dimension = d - n_rows + r;
      for (std::size_t s = 0; s < n; ++s) {
        double& value = z[dimension * n + s];
        value = reference.z[dimension] + 0.1 * (value - 0.5);
        value -= std::floor(value);
      }
    }
    std::vector<double> x(n * width), log_det(n);
    coordinates.to_cartesian(z, x, log_det);
    for (const auto& group : find_equivalent_branches(system)) {
      if (group.branches.size() != 2) continue;
      const bool bare = system.atoms[static_cast<std::size_t>(group.branches[0][0])].element == "O";
      for (std::size_t s = 0; s < n; ++s) {
        std::vector<double> frame(x.begin() + static_cast<std::ptrdiff_t>(s * width),
                                  x.begin() + static_cast<std::ptrdiff_t>((s + 1) * width));
        const auto point = from_cartesian(coordinates, frame);
        ASSERT_TRUE(point.representable);
        exchange(frame, group.branches[0], group.branches[1]);
        const auto exchanged = from_cartesian(coordinates, frame);
        if (bare) continue;  // a carboxylate: both names, as in the literature
        EXPECT_FALSE(exchanged.representable) << name << " atom " << group.centre;
        coordinates.relabel_equivalent_atoms(frame);
        const auto again = from_cartesian(coordinates, frame);
        EXPECT_TRUE(again.representable) << name << " atom " << group.centre;
        for (std::size_t k = 0; k < d; ++k) {
          const double difference = std::abs(again.z[k] - point.z[k]);
          EXPECT_LE(std::min(difference, 1 - difference), 1e-9);
        }
        EXPECT_NEAR(again.log_det[0], point.log_det[0], 1e-9);
      }
    }
  }
}

// Exchanging the names of a folded pair moves the folded torsion by exactly half a turn: z of the other name, continued
// beyond the half circle, differs by 1, whatever the opening.
TEST(PeptideStereo, AFoldedTorsionMovesByHalfATurn) {
  const auto system = formamide();
  const InternalCoordinates coordinates(system);
  const auto z = base_samples(coordinates, 500, 73);
  std::vector<double> x(500 * 18), log_det(500);
  coordinates.to_cartesian(z, x, log_det);
  int n_representable = 0;
  for (std::size_t s = 0; s < 500; ++s) {
    std::vector<double> frame(x.begin() + static_cast<std::ptrdiff_t>(18 * s),
                              x.begin() + static_cast<std::ptrdiff_t>(18 * (s + 1)));
    const double before = log_det[s];
    exchange(frame, {4}, {5});
    const auto exchanged = from_cartesian(coordinates, frame);
    n_representable += exchanged.representable;
    coordinates.relabel_equivalent_atoms(frame);
    EXPECT_TRUE(from_cartesian(coordinates, frame).representable);
    EXPECT_NEAR(from_cartesian(coordinates, frame).log_det[0], before, 1e-9);
  }
  EXPECT_EQ(n_representable, 0);  // also with both hydrogens on one side: the torsion is uniform here
}

// Every residue type at once, with and without fixed bonds to hydrogen; a fixed bond is a column of its own in the
// dense Jacobian, in nm: the density is the flat one of Cartesian space at that length.
TEST(PeptideCoordinates, LogDetIsThatOfTheDenseJacobian) {
  auto system = peptide("all-residues");
  for (const bool constrained : {false, true}) {
    if (constrained) fix_bonds_to_hydrogens(system);
    const InternalCoordinates coordinates(system);
    EXPECT_EQ(coordinates.dimension(), 3 * system.n_atoms() - 6 - static_cast<int>(system.constraints.size()));
    const auto point = from_cartesian(coordinates, system.positions);
    EXPECT_TRUE(point.representable);
    // 1002 columns by central differences; torsions at one end move atoms 5 nm away.
    EXPECT_NEAR(point.log_det[0], dense_log_det(system, coordinates, point.z), 1e-4);
  }
  EXPECT_EQ(system.constraints.size(), 164u);
}

TEST(PeptideCoordinates, KernelsAgreeWithReferenceAndComeBack) {
  for (const auto& name : names) {
    const auto system = peptide(name);
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      const InternalCoordinates coordinates(system);
      const InternalCoordinatesReference reference(system, coordinates);
      constexpr std::size_t n = 19;
      const auto width = system.positions.size();
      const auto z = base_samples(coordinates, n, 74);
      std::vector<double> x(n * width), log_det(n), expected(width), again(z.size()), log_det_again(n);
      std::vector<std::uint8_t> representable(n);
      coordinates.to_cartesian(z, x, log_det);
      coordinates.from_cartesian(x, again, log_det_again, representable);
      for (std::size_t s = 0; s < n; ++s) {
        EXPECT_NEAR(log_det[s], reference.to_cartesian(column(z, n, s), expected), 1e-10);
        // Chains of up to 70 bonds; angles down to 20 degrees multiply rounding by 3 each.
        EXPECT_LE(largest_difference(std::span(x).subspan(s * width, width), expected), 1e-9) << name;
        EXPECT_EQ(representable[s], 1) << name;
      }
      EXPECT_LE(largest_difference(log_det, log_det_again), 1e-8);
      for (std::size_t i = 0; i < z.size(); ++i) {
        const double difference = std::abs(z[i] - again[i]);
        EXPECT_LE(std::min(difference, 1 - difference), 1e-8);
      }
    }
  }
}

TEST(CheckCoordinates, PassesOnPeptidesAndNamesWhatIsWrong) {
  for (const std::string name : {"tetra", "elil", "proline-first"}) {
    const auto system = peptide(name);
    for (const CheckResult& result : check_coordinates(system, InternalCoordinates(system)))
      EXPECT_TRUE(result.passed) << name << ' ' << result.name << ": " << result.detail;
  }
  const auto failures = [](const MolecularSystem& system, const InternalCoordinates& coordinates) {
    std::vector<std::string> found;
    for (const CheckResult& result : check_coordinates(system, coordinates))
      if (!result.passed) found.push_back(result.name);
    return found;
  };
  const auto system = peptide("tetra");
  const InternalCoordinates coordinates(system);
  auto mirrored = system;
  for (std::size_t i = 0; i < mirrored.positions.size(); i += 3) mirrored.positions[i] *= -1;
  EXPECT_THAT(failures(mirrored, InternalCoordinates(mirrored)), testing::ElementsAre("amino acids"));
  // A structure that is not the one the coordinates were made of.
  EXPECT_THAT(failures(mirrored, coordinates), testing::IsSupersetOf({"reference structure", "stereocentres"}));
  auto frames = system.positions;
  frames.insert(frames.end(), mirrored.positions.begin(), mirrored.positions.end());
  EXPECT_FALSE(check_frames(coordinates, frames).passed);
  EXPECT_TRUE(check_frames(coordinates, system.positions).passed);
}

}  // namespace
}  // namespace boltzflow
