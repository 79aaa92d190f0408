// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/openmm_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/system_file.hpp"
#include "molecule/fixtures.hpp"
#include "molecule/system_comparison.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class OpenMMSystem : public testing::TestWithParam<const char*> {};

// The file carries 17 digits; what remains are roundings of the formulas (radius times scale, 4 pi gamma).
TEST_P(OpenMMSystem, HasTheParametersOpenMMHas) {
  const std::string name = GetParam();
  const auto expected = read_system_file(fixture(name + ".expected.json"));
  const auto actual = read_openmm_system(fixture(name + ".xml"));
  expect_same_parameters(actual, expected, 1e-14);
  for (int i = 0; i < actual.n_atoms(); ++i) EXPECT_EQ(actual.atoms[i].element, expected.atoms[i].element) << i;
}

INSTANTIATE_TEST_SUITE_P(All, OpenMMSystem,
                         testing::Values("obc1", "obc2", "gbsa_obc", "vacuum", "h_bonds", "all_bonds", "h_angles",
                                         "heavy_hydrogens", "plain_none", "plain_obc1", "plain_obc2", "no_surface"),
                         [](const auto& info) { return info.param; });

TEST(OpenMMSystemWithPdb, TakesNamesResiduesAndPositions) {
  const auto system = read_openmm_system(fixture("obc1.xml"), fixture("structure.pdb"));
  const auto expected = read_system_file(fixture("obc1.expected.json"));
  for (int i = 0; i < system.n_atoms(); ++i) {
    EXPECT_EQ(system.atoms[i].name, expected.atoms[i].name);
    EXPECT_EQ(system.atoms[i].element, expected.atoms[i].element);
    EXPECT_EQ(system.atoms[i].residue_name, expected.atoms[i].residue_name);
    EXPECT_EQ(system.atoms[i].residue_number, expected.atoms[i].residue_number);
    EXPECT_EQ(system.atoms[i].mass, expected.atoms[i].mass);
  }
  EXPECT_EQ(system.phi, expected.phi);
  EXPECT_EQ(system.psi, expected.psi);
  ASSERT_EQ(system.positions.size(), 66u);
}

struct Refused {
  const char* file;
  const char* message;
};
void PrintTo(const Refused& item, std::ostream* out) { *out << item.file; }
class RefusedSystem : public testing::TestWithParam<Refused> {};

TEST_P(RefusedSystem, NamesFileLineAndReason) {
  const auto path = fixture(std::string("refused_") + GetParam().file + ".xml");
  EXPECT_THAT([&] { read_openmm_system(path); },
              ThrowsMessage<InputError>(
                  AllOf(ContainsRegex("refused_[a-z0-9_]+\\.xml:[0-9]+: "), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedSystem,
    testing::Values(Refused{"cutoff", "CutoffPeriodic); only NoCutoff and CutoffNonPeriodic are"},
                    Refused{"custom_bond", "\"CustomBondForce\" is not supported; supported are HarmonicBondForce"},
                    Refused{"cmap", "\"CMAPTorsionForce\" is not supported"},
                    Refused{"virtual_site", "virtual sites (<TwoParticleAverage"},
                    Refused{"salt", "none of HCT, OBC1, OBC2, GBn"}),
    [](const auto& info) { return info.param.file; });

/// The text of obc1.xml with the first `from` replaced.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = read_file(fixture("obc1.xml"));
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("the fixture has no " + from);
  return text.replace(at, from.size(), to);
}

struct Change {
  const char* description;
  const char *from, *to, *message;
};
void PrintTo(const Change& item, std::ostream* out) { *out << item.description; }
class ChangedSystem : public testing::TestWithParam<Change> {};

TEST_P(ChangedSystem, IsAnErrorWithItsReason) {
  EXPECT_THAT([&] { openmm_system_from_xml(changed(GetParam().from, GetParam().to), "bad.xml"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("bad.xml:"), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    All, ChangedSystem,
    testing::Values(
        Change{"not_a_system", "<System ", "<Syst ", "not valid XML"},
        Change{"nan_mass", "mass=\"1.007947\"", "mass=\"nan\"", "mass=\"nan\" is not a finite number"},
        Change{"text_mass", "mass=\"1.007947\"", "mass=\"heavy\"", "mass=\"heavy\" is not a finite number"},
        Change{"negative_mass", "mass=\"1.007947\"", "mass=\"-1\"", "particles that do not move"},
        Change{"no_mass", "mass=\"1.007947\"", "", "<Particle> has no attribute mass"},
        Change{"bond_index", "p1=\"8\" p2=\"14\"", "p1=\"8\" p2=\"22\"", "p2=\"22\" is no atom"},
        Change{"huge_index", "p1=\"8\" p2=\"14\"", "p1=\"8\" p2=\"99999999999\"", "is not an integer"},
        Change{"same_atom", "p1=\"8\" p2=\"14\"", "p1=\"8\" p2=\"8\"", "names atom 8 twice"},
        Change{"missing_charge", "q=\".1123\" sig", "sig", "<Particle> has no attribute q"},
        Change{"infinite_charge", "q=\".1123\" sig", "q=\"inf\" sig", "q=\"inf\" is not a finite number"},
        Change{"missing_particle", "<Particle eps=\".0656888\" q=\".1123\" sig=\".264953278775\"/>", "",
               "NonbondedForce has 21 particles, but the System has 22"},
        Change{"missing_born", "<Particle param1=\".1123\" param2=\".111\" param3=\".09435\"/>", "",
               "CustomGBForce has 21 particles"},
        Change{"offsets", "<ParticleOffsets/>", "<ParticleOffsets><Offset/></ParticleOffsets>", "ParticleOffsets of a"},
        Change{"periodic", "type=\"HarmonicBondForce\" usesPeriodic=\"0\"",
               "type=\"HarmonicBondForce\" usesPeriodic=\"1\"", "uses periodic boundary conditions"},
        Change{"pme", "method=\"0\" name=\"NonbondedForce\"", "method=\"4\" name=\"NonbondedForce\"", "method 4 (PME)"},
        Change{"tanh", "2.909125*psi^3", "2.91*psi^3", "none of HCT, OBC1, OBC2, GBn"},
        Change{"integral", "0.25*(r-sr2", "0.26*(r-sr2", "none of HCT, OBC1, OBC2, GBn"},
        Change{"dielectric", "solventDielectric=78.5", "solventDielectric=water", "none of HCT, OBC1, OBC2, GBn"},
        Change{"surface", "(radius/B)^6", "(radius/B)^5", "none of HCT, OBC1, OBC2, GBn"},
        Change{"table", "<Functions/>", "<Functions><Function/></Functions>", "tabulated functions"},
        Change{"no_force_type", "type=\"HarmonicAngleForce\"", "", "the force type \"\" is not supported"}),
    [](const auto& info) { return info.param.description; });

TEST(OpenMMSystemFile, TheLineIsTheOneOfTheElement) {
  // The first particle stands in line 9 of what OpenMM writes.
  EXPECT_THAT([&] { openmm_system_from_xml(changed("mass=\"1.007947\"", "mass=\"x\""), "bad.xml"); },
              ThrowsMessage<InputError>(HasSubstr("bad.xml:9: ")));
}

TEST(OpenMMSystemFile, OtherFilesAreRefused) {
  EXPECT_THROW(openmm_system_from_xml("", "bad.xml"), InputError);
  EXPECT_THROW(openmm_system_from_xml("<State/>", "bad.xml"), InputError);
  EXPECT_THROW(openmm_system_from_xml("<System/>", "bad.xml"), InputError);
  EXPECT_THROW(read_openmm_system("/nonexistent.xml"), MissingInputError);
  const std::string text = read_file(fixture("obc1.xml"));
  EXPECT_THROW(openmm_system_from_xml(text.substr(0, text.size() / 2), "bad.xml"), InputError);
  std::string nested;
  for (int i = 0; i < 200'000; ++i) nested += "<System>";
  EXPECT_THROW(openmm_system_from_xml(nested, "bad.xml"), InputError);
}

TEST(LoadSystem, FindsTheStructureBesideAnXml) {
  std::filesystem::copy_file(fixture("obc1.xml"), scratch("a.xml"), std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(load_system(scratch("a.xml")).positions.empty());
  std::filesystem::copy_file(fixture("structure.pdb"), scratch("a.pdb"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(load_system(scratch("a.xml")).atoms[8].name, "CA");
  std::filesystem::remove(scratch("a.pdb"));
  EXPECT_EQ(load_system(scratch("a.xml"), {.structure = fixture("structure.pdb")}).phi.size(), 1u);
  EXPECT_THAT([] { load_system(fixture("structure.pdb")); },
              ThrowsMessage<InputError>(HasSubstr("it reads .json (a boltzflow system file), .xml")));
}

}  // namespace
}  // namespace boltzflow
