// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/system_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/builtin_systems.hpp"
#include "boltzflow/molecule/generalized_born_models.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

nlohmann::ordered_json alanine_dipeptide_json() {
  for (const auto& system : builtin_systems())
    if (system.name == "alanine-dipeptide") return nlohmann::ordered_json::parse(system.json);
  throw std::runtime_error("alanine-dipeptide is not built in");
}

TEST(BuiltinSystems, AlanineDipeptideIsTheLiteraturesTarget) {
  const MolecularSystem system = load_system("alanine-dipeptide");
  EXPECT_EQ(system.n_atoms(), 22);
  EXPECT_EQ(system.temperature, 300.0);
  EXPECT_EQ(system.bonds.size(), 21u);
  EXPECT_EQ(system.harmonic_bonds.size(), 21u);
  EXPECT_EQ(system.harmonic_angles.size(), 36u);
  EXPECT_EQ(system.exceptions.size(), 98u);
  EXPECT_TRUE(system.constraints.empty());
  ASSERT_TRUE(system.generalized_born);
  EXPECT_EQ(system.generalized_born->model, "OBC1");
  EXPECT_FALSE(system.generalized_born->particle_inside_term);
  EXPECT_EQ(system.generalized_born->coulomb_constant, 138.935485);
  EXPECT_EQ(system.generalized_born->solvent_dielectric, 78.5);
  EXPECT_EQ(system.atoms[0].name, "HH31");
  EXPECT_EQ(system.atoms[8].name, "CA");
  EXPECT_EQ(system.atoms[18].residue_name, "NME");
  ASSERT_TRUE(system.z_matrix);
  EXPECT_EQ(system.z_matrix->root, (std::array{14, 8, 6}));
  EXPECT_EQ(system.z_matrix->rows.front(), (ZMatrixRow{0, 1, 4, 6}));
  EXPECT_EQ(system.z_matrix->rows.back(), (ZMatrixRow{10, 8, 14, 6}));
  EXPECT_EQ(system.phi, (std::vector<std::array<int, 4>>{{4, 6, 8, 14}}));
  EXPECT_EQ(system.psi, (std::vector<std::array<int, 4>>{{6, 8, 14, 16}}));
}

double torsion(const MolecularSystem& system, const std::array<int, 4>& atoms) {
  const auto difference = [&](int from, int to) {
    return std::array{system.positions[3 * to] - system.positions[3 * from],
                      system.positions[3 * to + 1] - system.positions[3 * from + 1],
                      system.positions[3 * to + 2] - system.positions[3 * from + 2]};
  };
  const auto cross = [](const auto& a, const auto& b) {
    return std::array{a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
  };
  const auto dot = [](const auto& a, const auto& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; };
  const auto b1 = difference(atoms[0], atoms[1]), b2 = difference(atoms[1], atoms[2]),
             b3 = difference(atoms[2], atoms[3]);
  const auto n1 = cross(b1, b2), n2 = cross(b2, b3);
  return std::atan2(dot(cross(n1, n2), b2) / std::sqrt(dot(b2, b2)), dot(n1, n2)) * 180 / 3.14159265358979;
}

// The beta minimum of L-alanine: the D form has the opposite sign at HA.
TEST(BuiltinSystems, ReferenceStructureIsTheBetaMinimumOfTheLForm) {
  const MolecularSystem system = load_system("alanine-dipeptide");
  EXPECT_NEAR(torsion(system, system.phi[0]), -146, 5);
  EXPECT_NEAR(torsion(system, system.psi[0]), 155, 10);
  EXPECT_NEAR(torsion(system, {9, 8, 6, 14}), 119, 3);
}

TEST(BuiltinSystems, ATypoIsAnsweredWithTheNearestName) {
  EXPECT_THAT([] { load_system("alanine-dipetide"); },
              ThrowsMessage<MissingInputError>(HasSubstr("did you mean alanine-dipeptide?")));
  EXPECT_THAT([] { load_system("xyzzy"); }, ThrowsMessage<MissingInputError>(HasSubstr("built in: alanine-dipeptide")));
}

// to_json writes what it reads, digit by digit: a text that went through the library once no longer changes.
TEST(SystemFile, RoundTripKeepsEveryBit) {
  const MolecularSystem system = load_system("alanine-dipeptide");
  const std::string text = to_json(system);
  const MolecularSystem again = system_from_json(text, "text");
  EXPECT_EQ(to_json(again), text);
  EXPECT_EQ(again.positions, system.positions);
  EXPECT_TRUE(text == builtin_systems()[0].json) << "data/systems is not written as to_json writes";
}

TEST(SystemFile, RoundTripKeepsConstraintsAndAbsentParts) {
  MolecularSystem system = load_system("alanine-dipeptide");
  system.constraints = {{0, 1, 0.1 + 0.2}};
  system.z_matrix.reset();
  system.generalized_born.reset();
  system.positions.clear();
  system.name = "name with \"quotes\", \\ and \xc3\xa9";
  const auto path = std::filesystem::path(testing::TempDir()) / "system_file_test.json";
  write_system_file(path, system);
  const MolecularSystem again = read_system_file(path);
  EXPECT_EQ(again.name, system.name);
  ASSERT_EQ(again.constraints.size(), 1u);
  EXPECT_EQ(again.constraints[0].distance, 0.1 + 0.2);
  EXPECT_FALSE(again.z_matrix);
  EXPECT_FALSE(again.generalized_born);
  EXPECT_TRUE(again.positions.empty());
  EXPECT_EQ(load_system(path.string()).name, system.name);
}

TEST(SystemFile, RoundTripKeepsNecksCoefficientsAndCutoffs) {
  MolecularSystem system = load_system("alanine-dipeptide");
  GeneralizedBorn born = generalized_born_model("GBn2");
  std::vector<double> radii;
  for (const Atom& atom : system.atoms) {
    radii.push_back(atom.element == "H" ? 0.12 : 0.17);
    born.particles.push_back({0.1, radii.back() - born.offset, -0.1});
    born.coefficients.push_back(gbn2_coefficients(atom.element));
  }
  born.neck = born_neck(radii, 0.826836);
  born.cutoff = 2.1;
  system.generalized_born = born;
  system.cutoff = {2.0, 78.3};
  const MolecularSystem again = system_from_json(to_json(system), "text");
  EXPECT_EQ(to_json(again), to_json(system));
  ASSERT_TRUE(again.generalized_born && again.generalized_born->neck && again.cutoff);
  EXPECT_EQ(again.generalized_born->neck->n_radii, 2);
  EXPECT_EQ(again.generalized_born->neck->distance, born.neck->distance);
  EXPECT_EQ(again.generalized_born->neck->radius_index, born.neck->radius_index);
  EXPECT_EQ(again.generalized_born->coefficients[4].alpha, 0.733756);
  EXPECT_EQ(again.generalized_born->cutoff, 2.1);
  EXPECT_EQ(again.cutoff->reaction_field_dielectric, 78.3);
}

struct BadFile {
  const char* description;
  void (*spoil)(nlohmann::ordered_json&);
  const char* message;
};
void PrintTo(const BadFile& item, std::ostream* out) { *out << item.description; }

class BadSystemFile : public testing::TestWithParam<BadFile> {};

TEST_P(BadSystemFile, IsAnErrorThatNamesTheKey) {
  auto json = alanine_dipeptide_json();
  GetParam().spoil(json);
  EXPECT_THAT([&] { system_from_json(json.dump(), "bad.json"); },
              ThrowsMessage<InputError>(testing::AllOf(HasSubstr("bad.json: "), HasSubstr(GetParam().message))));
}

using Json = nlohmann::ordered_json;
INSTANTIATE_TEST_SUITE_P(
    SystemFile, BadSystemFile,
    testing::Values(
        BadFile{"format", [](Json& j) { j["format"] = "x"; }, "not a boltzflow system file"},
        BadFile{"version", [](Json& j) { j["version"] = 2; }, "reads version 1"},
        BadFile{"unknown_key", [](Json& j) { j["atomz"] = 1; }, "atomz: unknown key"},
        BadFile{"missing_atoms", [](Json& j) { j.erase("atoms"); }, "atoms: this key is missing"},
        BadFile{"wrong_type", [](Json& j) { j["temperature"] = "warm"; }, "temperature is \"warm\""},
        BadFile{"short_row", [](Json& j) { j["bonds"][3] = {1}; }, "bonds[3] is [1], but must be a row of 2"},
        BadFile{"text_in_row",
                [](Json& j) {
                  j["bonds"][3] = {1, "a"};
                },
                "bonds[3][1] is \"a\""},
        BadFile{"huge_integer",
                [](Json& j) {
                  j["bonds"][3] = {1, 4000000000u};
                },
                "bonds[3][1] is 4000000000"},
        BadFile{"out_of_range",
                [](Json& j) {
                  j["bonds"][3] = {1, 22};
                },
                "bond 3 names atom 22"},
        BadFile{"negative",
                [](Json& j) {
                  j["bonds"][3] = {-1, 2};
                },
                "bond 3 names atom -1"},
        BadFile{"missing_particle", [](Json& j) { j["nonbonded"].erase(0); }, "21 nonbonded particles for 22 atoms"},
        BadFile{"missing_born", [](Json& j) { j["generalized_born"]["particles"].erase(0); }, "21 generalised Born"},
        BadFile{"missing_position", [](Json& j) { j["positions"].erase(0); }, "63 coordinates for 22 atoms"},
        BadFile{"null", [](Json& j) { j["positions"][4][1] = nullptr; }, "positions[4][1] is null"},
        BadFile{"object_for_table",
                [](Json& j) {
                  j["bonds"] = {{"a", 1}};
                },
                "bonds is {\"a\":1}"},
        BadFile{"zmatrix_twice", [](Json& j) { j["z_matrix"]["rows"][0][0] = 5; }, "places atom 0 0 times"},
        BadFile{"zmatrix_circle",
                [](Json& j) {
                  j["z_matrix"]["rows"][1] = {1, 0, 6, 8};
                },
                "in a circle"},
        BadFile{"gb_model", [](Json& j) { j["generalized_born"]["model"] = "OBC3"; }, "model is \"OBC3\""},
        BadFile{"gb_neck", [](Json& j) { j["generalized_born"]["model"] = "GBn"; }, "comes without necks"},
        BadFile{"gb_coefficients", [](Json& j) { j["generalized_born"]["model"] = "GBn2"; }, "has 0 rows"},
        BadFile{"gb_cutoff", [](Json& j) { j["generalized_born"]["cutoff"] = 0; }, "cutoff is 0 nm"},
        BadFile{"cutoff", [](Json& j) { j["cutoff"]["distance"] = -1; }, "cutoff is -1 nm"},
        BadFile{"cutoff_keys", [](Json& j) { j["cutoff"]["radius"] = 1; }, "cutoff.radius: unknown key"}),
    [](const auto& info) { return info.param.description; });

TEST(SystemFile, BrokenJsonNamesTheLine) {
  EXPECT_THAT([] { system_from_json("{\n\"format\": \n[1,,2]}", "bad.json"); },
              ThrowsMessage<InputError>(HasSubstr("bad.json:3: this is not valid JSON")));
  EXPECT_THROW(system_from_json("", "bad.json"), InputError);
  EXPECT_THROW(system_from_json("{\"format\": 1e999}", "bad.json"), InputError);
  EXPECT_THROW(system_from_json(std::string(100'000, '['), "bad.json"), InputError);
  EXPECT_THROW(read_system_file("/nonexistent/x.json"), MissingInputError);
}

}  // namespace
}  // namespace boltzflow
