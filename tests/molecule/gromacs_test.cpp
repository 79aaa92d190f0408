// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/gro.hpp"
#include "boltzflow/molecule/gromacs_topology.hpp"
#include "boltzflow/molecule/system_file.hpp"
#include "molecule/fixtures.hpp"
#include "molecule/system_comparison.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// The same file read by OpenMM's GromacsTopFile: degrees are multiplied in another order.
TEST(GromacsTopology, HasTheParametersOpenMMReads) {
  const auto expected = read_system_file(fixture("gromacs.expected.json"));
  const auto actual = read_gromacs(fixture("gromacs.top"), fixture("gromacs.gro"));
  expect_same_parameters(actual, expected, 1e-12);
  // OpenMM gives some atoms other names as it reads; these are the names in the file.
  const auto names = read_system_file(fixture("obc1.expected.json"));
  for (int i = 0; i < actual.n_atoms(); ++i) {
    EXPECT_EQ(actual.atoms[i].name, names.atoms[i].name);
    EXPECT_EQ(actual.atoms[i].element, expected.atoms[i].element);
    EXPECT_EQ(actual.atoms[i].residue_name, expected.atoms[i].residue_name);
    EXPECT_EQ(actual.atoms[i].residue_number, expected.atoms[i].residue_number);
  }
  EXPECT_EQ(actual.phi, expected.phi);
  EXPECT_EQ(actual.psi, expected.psi);
  EXPECT_EQ(actual.positions.size(), 66u);
}

// What the topology was written from, with the solvent that OpenMM gave it.
TEST(GromacsTopology, TakesTheSolventsOfOtherTopologies) {
  expect_same_parameters(read_gromacs(fixture("gromacs.top"), std::nullopt, "OBC1"),
                         read_system_file(fixture("obc1.expected.json")), 1e-12);
  const auto loaded = load_system(fixture("gromacs.top").string(), {.generalized_born = "gbn2"});
  EXPECT_EQ(loaded.generalized_born->model, "GBn2");
  EXPECT_EQ(loaded.positions.size(), 66u);
  EXPECT_FALSE(load_system(fixture("gromacs.top").string(), {.generalized_born = "none"}).generalized_born);
}

/// Hydrogen peroxide with types that fit its torsion in several ways.
std::string peroxide(const std::string& dihedral_types, const std::string& defaults = "1 2 no 0.5 0.8") {
  return "[ defaults ]\n" + defaults +
         "\n[ atomtypes ]\nO 8 16.0 0.0 A 0.3 0.8\nH HX 1 1.0 0.0 A 0.1 0.2\n[ bondtypes ]\nHX O 1 0.097 400000\n"
         "[ pairtypes ]\nH H 1 0.15 0.25\n[ dihedraltypes ]\n" +
         dihedral_types +
         "[ moleculetype ]\nHOOH 3\n[ atoms ]\n1 H 1 HOOH H1 1 0.4\n2 O 1 HOOH O1 1 -0.4 15.9\n3 O 1 HOOH O2 1 -0.4\n"
         "4 H 1 HOOH H2 1 0.4\n[ bonds ]\n1 2 1\n3 2 1 0.147 300000 ; its own\n4 3 1\n[ pairs ]\n1 4 1\n"
         "[ angles ]\n1 2 3 1 100 400\n2 3 4 1 100 400\n[ dihedrals ]\n1 2 3 4 9\n[ system ]\nperoxide\n"
         "[ molecules ]\nHOOH 1\n";
}

MolecularSystem read_text(const std::string& text) {
  write_bytes(scratch("text.top"), text);
  return read_gromacs(scratch("text.top"));
}

TEST(GromacsTopology, PrefersDihedralTypesWithFewestWildcardsAndTakesAllTheirLines) {
  const auto system =
      read_text(peroxide("X O O X 9 0 7 1\nHX O O HX 9 180 5 2\nHX O O HX 9 0 6 3\nX O O HX 9 0 8 1\n"
                         "HX O O HX 4 180 9 2\n"));
  ASSERT_EQ(system.periodic_torsions.size(), 2u);
  EXPECT_EQ(system.periodic_torsions[0].force_constant, 5);
  EXPECT_NEAR(system.periodic_torsions[0].phase, 3.14159265358979, 1e-14);
  EXPECT_EQ(system.periodic_torsions[1].periodicity, 3);
  EXPECT_EQ(read_text(peroxide("X O O X 9 0 7 1\n")).periodic_torsions[0].force_constant, 7);
  EXPECT_EQ(system.harmonic_bonds[0].length, 0.097);
  EXPECT_EQ(system.harmonic_bonds[1].length, 0.147);
  EXPECT_EQ(system.atoms[1].mass, 15.9);
  EXPECT_EQ(system.atoms[2].mass, 16.0);
  ASSERT_EQ(system.exceptions.size(), 6u);  // every pair is within three bonds
  for (const auto& e : system.exceptions)
    if (e.j - e.i == 3) {
      EXPECT_NEAR(e.charge_product, 0.8 * 0.16, 1e-15);
      EXPECT_EQ(e.sigma, 0.15);
      EXPECT_EQ(e.epsilon, 0.25);
    } else {
      EXPECT_EQ(e.charge_product, 0);
      EXPECT_EQ(e.epsilon, 0);
    }
}

struct Change {
  const char *description, *from, *to, *message;
};
void PrintTo(const Change& item, std::ostream* out) { *out << item.description; }
class ChangedGromacsTopology : public testing::TestWithParam<Change> {};

TEST_P(ChangedGromacsTopology, IsAnErrorWithItsReason) {
  std::string text = peroxide("X O O X 9 0 7 1\n");
  EXPECT_NO_THROW(read_text(text));
  const std::size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(GetParam().from).size(), GetParam().to);
  EXPECT_THAT([&] { read_text(text); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("text.top"), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    All, ChangedGromacsTopology,
    testing::Values(Change{"preprocessor", "[ defaults ]", "#include \"amber.ff/forcefield.itp\"\n[ defaults ]",
                           "text.top:1: this file needs GROMACS's preprocessor"},
                    Change{"no_section", "[ defaults ]", "defaults", "does not begin with a section"},
                    Change{"combination", "1 2 no", "1 3 no", "text.top:2: only nonbonded function 1"},
                    Change{"no_defaults", "1 2 no 0.5 0.8\n", "", "0 lines in [ defaults ]"},
                    Change{"atom_type", "A 0.3 0.8", "V 0.3 0.8", "text.top:4: an atom type is"},
                    Change{"section", "[ pairtypes ]", "[ cmaptypes ]", "the section [ cmaptypes ] is not supported"},
                    Change{"early", "[ bondtypes ]", "[ bonds ]", "before any [ moleculetype ]"},
                    Change{"number", "0.097", "0.0.97", "\"0.0.97\" is not a number"},
                    Change{"nrexcl", "HOOH 3", "HOOH 2", "only nrexcl 3 is supported"},
                    Change{"order", "2 O 1 HOOH", "3 O 1 HOOH", "atom 3 follows atom 1"},
                    Change{"type", "1 H 1 HOOH", "1 N 1 HOOH", "there is no atom type N"},
                    Change{"perturbed", "-0.4 15.9", "-0.4 15.9 O -0.3 16.0", "perturbed atoms are not supported"},
                    Change{"function", "4 3 1\n", "4 3 2\n", "function 2 is not supported here"},
                    Change{"index", "4 3 1\n", "4 5 1\n", "\"5\" is no atom"},
                    Change{"twice", "4 3 1\n", "4 4 1\n", "\"4\" is no atom, or one atom too often"},
                    Change{"no_type", "HX O 1 0.097", "HX N 1 0.097", "[ bondtypes ] has no parameters for this term"},
                    Change{"two_types", "HX O 1 0.097", "O HX 1 0.1 5\nHX O 1 0.097", "fit this term alike"},
                    Change{"fields", "1 2 3 1 100 400", "1 2 3 1 100", "5 fields in this line, where 4 or 6"},
                    Change{"two_dihedrals", "X O O X 9 0 7 1", "X O O HX 9 0 7 1\nHX O O X 9 0 8 1", "fit this term"},
                    Change{"periodicity", "9 0 7 1", "9 0 7 1.5", "is not an integer"},
                    Change{"no_pair", "H H 1 0.15", "O H 1 0.15", "gen-pairs is no"},
                    Change{"pair_twice", "1 4 1\n[ angles ]", "1 4 1\n4 1 1\n[ angles ]", "would interact twice"},
                    Change{"exclusion", "[ angles ]", "[ exclusions ]\n1 x\n[ angles ]", "\"x\" is not a number"},
                    Change{"molecules", "HOOH 1\n", "HOOH 2\n", "must name one molecule, once"},
                    Change{"unknown", "[ molecules ]\nHOOH", "[ molecules ]\nSOL", "there is no [ moleculetype ] SOL"}),
    [](const auto& info) { return info.param.description; });

TEST(GromacsTopology, RefusesAStarOfBonds) {
  std::string atoms, bonds;
  for (int i = 2; i <= 10; ++i) {
    atoms += std::to_string(i) + " H 1 S H 1 0\n";
    bonds += "1 " + std::to_string(i) + " 1\n";
  }
  EXPECT_THAT(
      [&] {
        read_text(
            "[ defaults ]\n1 2 yes\n[ atomtypes ]\nH 1 1 0 A 0.1 0.1\n[ bondtypes ]\nH H 1 0.1 10\n"
            "[ moleculetype ]\nS 3\n[ atoms ]\n1 H 1 S H 1 0\n" +
            atoms + "[ bonds ]\n" + bonds + "[ molecules ]\nS 1\n");
      },
      ThrowsMessage<InputError>(HasSubstr("atom 1 has 9 bonds")));
}

TEST(GroFile, ReadsAnyPrecisionAndRefusesWhatIsNone) {
  const std::string head = "title\n    1\n    1HOOH    H1    1";
  const auto read = [](const std::string& text) {
    write_bytes(scratch("any.gro"), text);
    return read_gro_positions(scratch("any.gro"));
  };
  EXPECT_THAT(read(head + "   0.126  -1.624   1.679\n   1 1 1\n"), ElementsAre(0.126, -1.624, 1.679));
  EXPECT_THAT(read(head + "   0.126  -1.624   1.679  0.1227 -0.0580  0.0434\n"), ElementsAre(0.126, -1.624, 1.679));
  EXPECT_THAT(read(head + "   0.12601  -1.62402   1.67903"), ElementsAre(0.12601, -1.62402, 1.67903));
  const auto error = [&](const std::string& text, const char* message) {
    EXPECT_THAT([&] { read(text); }, ThrowsMessage<InputError>(HasSubstr(message)));
  };
  error("", "any.gro:2: ");
  error("title\nmany\n", "is no number of atoms");
  error("title\n2000000000\n", "the file ends after 0 of");
  error(head, "any.gro:3: this line has no three coordinates");
  error(head + "   0.126  -1.624\n", "is not a coordinate");
  error(head + "   0.126  -1.6x4   1.679\n", "\"  -1.6x4\" is not a coordinate");
  write_bytes(scratch("one.gro"), head + "   0.126  -1.624   1.679\n");
  EXPECT_THAT([] { read_gromacs(fixture("gromacs.top"), scratch("one.gro")); },
              ThrowsMessage<InputError>(HasSubstr("has 1 atoms, but the topology has 22")));
}

}  // namespace
}  // namespace boltzflow
