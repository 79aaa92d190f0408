// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/amber.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/molecule/system_file.hpp"
#include "molecule/fixtures.hpp"
#include "molecule/system_comparison.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class AmberTopology : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

// The same file read by OpenMM's AmberPrmtopFile: only the order of multiplications may differ.
TEST_P(AmberTopology, HasTheParametersOpenMMReads) {
  const auto [name, solvent] = GetParam();
  const auto expected = read_system_file(fixture(std::string(name) + "_" + solvent + ".expected.json"));
  const auto actual = read_amber(fixture(std::string(name) + ".prmtop"), fixture(std::string(name) + ".inpcrd"),
                                 amber_solvent(solvent));
  expect_same_parameters(actual, expected, 1e-13);
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

INSTANTIATE_TEST_SUITE_P(All, AmberTopology,
                         testing::Combine(testing::Values("plain", "scaled"), testing::Values("none", "obc1", "obc2")),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
                         });

// As a System XML that OpenMM made of the file, which holds each model's constants, coefficients and necks.
TEST(AmberTopologyFile, HasOpenMMsParametersOfEveryBornModel) {
  for (const std::string file : {"plain", "scaled"})
    for (const std::string solvent : {"hct", "obc1", "obc2", "gbn", "gbn2"}) {
      SCOPED_TRACE(file + " " + solvent);
      const auto actual = read_amber(fixture(file + ".prmtop"), std::nullopt, amber_solvent(solvent));
      expect_same_parameters(actual, read_openmm_system(fixture(file + "_" + solvent + ".xml")), 1e-13);
    }
}

TEST(AmberTopologyFile, LoadSystemTakesTheCoordinatesBesideIt) {
  const auto system = load_system(fixture("plain.prmtop"));
  EXPECT_EQ(system.positions.size(), 66u);
  EXPECT_EQ(system.generalized_born->model, "OBC1");
  EXPECT_FALSE(load_system(fixture("plain.prmtop"), {.generalized_born = "none"}).generalized_born);
  EXPECT_THAT([] { load_system(fixture("plain.prmtop"), {.generalized_born = "gbn3"}); },
              ThrowsMessage<InputError>(HasSubstr("choose none, hct, obc1, obc2, gbn or gbn2")));
}

struct Change {
  const char* description;
  const char *from, *to, *message;
};
void PrintTo(const Change& item, std::ostream* out) { *out << item.description; }
class ChangedTopology : public testing::TestWithParam<Change> {};

TEST_P(ChangedTopology, IsAnErrorWithItsReason) {
  std::string text = read_file(fixture("plain.prmtop"));
  const std::string from = GetParam().from;
  const std::size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  write_bytes(scratch("bad.prmtop"), text.replace(at, from.size(), GetParam().to));
  EXPECT_THAT([] { read_amber(scratch("bad.prmtop"), std::nullopt, AmberSolvent::obc1); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("bad.prmtop"), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    All, ChangedTopology,
    testing::Values(Change{"start", "%VERSION", "#VERSION", "this is not an Amber topology"},
                    Change{"missing", "%FLAG CHARGE", "%FLAG CHERGE", "the section CHARGE is missing"},
                    Change{"twice", "%FLAG MASS", "%FLAG CHARGE", "there is a second section CHARGE"},
                    Change{"format", "%FORMAT(10I8)", "%FORMAT(10X8)", "the format"},
                    Change{"chamber", "%FLAG TITLE", "%FLAG CTITLE", "CHAMBER"},
                    Change{"cmap", "%FLAG SOLTY", "%FLAG CMAP_COUNT", "CMAP_COUNT terms are not supported"},
                    Change{"atoms", "      22 ", "      23 ", "are needed; is the file cut?"},
                    Change{"huge", "      22 ", "20000000 ", "are needed; is the file cut?"},
                    Change{"negative", "      22 ", "     -22 ", "a negative count in POINTERS"},
                    Change{"text", "      22 ", "      2x ", "is not an integer"},
                    Change{"no_radii", "%FLAG RADII", "%FLAG RADIX", "the section RADII is missing"}),
    [](const auto& info) { return info.param.description; });

TEST(AmberTopologyFile, RadiiBeyondTheTablesOfNecksAreErrors) {
  std::string text = read_file(fixture("plain.prmtop"));
  const std::size_t at = text.find("\n", text.find("%FORMAT", text.find("%FLAG RADII"))) + 1;
  write_bytes(scratch("bad.prmtop"), text.replace(at, 16, "  2.50000000E+00"));
  EXPECT_NO_THROW(read_amber(scratch("bad.prmtop"), std::nullopt, AmberSolvent::obc1));
  EXPECT_THAT([] { read_amber(scratch("bad.prmtop"), std::nullopt, AmberSolvent::gbn2); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("bad.prmtop:"), HasSubstr("radius of 0.25 nm"))));
}

TEST(AmberTopologyFile, CutFilesAreErrors) {
  const std::string text = read_file(fixture("plain.prmtop"));
  for (int eighth = 0; eighth < 8; ++eighth) {
    write_bytes(scratch("cut.prmtop"), text.substr(0, text.size() * eighth / 8));
    EXPECT_THROW(read_amber(scratch("cut.prmtop"), std::nullopt, AmberSolvent::obc1), InputError) << eighth;
  }
  EXPECT_THROW(read_amber("/nonexistent.prmtop"), MissingInputError);
}

TEST(AmberCoordinates, BadFilesAreErrors) {
  const std::string text = read_file(fixture("plain.inpcrd"));
  const auto expect_error = [&](const std::string& contents, const char* message) {
    write_bytes(scratch("bad.inpcrd"), contents);
    EXPECT_THAT([] { read_amber(fixture("plain.prmtop"), scratch("bad.inpcrd")); },
                ThrowsMessage<InputError>(HasSubstr(message)));
  };
  expect_error(text.substr(0, text.size() / 2), "coordinate");
  expect_error("test\n   21\n" + text.substr(text.find("\n", 5) + 1), "of 21 atoms, but the topology has 22");
  expect_error("test\n2000000000\n", "the file ends after 0 of");
  expect_error("test\nmany\n", "bad.inpcrd:2: ");
  expect_error("test\n   22\n        nan        nan\n", "bad.inpcrd:3: ");
  expect_error("CDF\1", "NetCDF restart files are not supported");
  expect_error("", "is no number of atoms");
}

}  // namespace
}  // namespace boltzflow
