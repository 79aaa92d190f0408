// SPDX-License-Identifier: MIT
// The constants and tables of the Born models against what OpenMM itself writes into its Systems.
#include "boltzflow/molecule/generalized_born_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "molecule/born_constants.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string xml_of(const std::string& name) { return std::string(OPENMM_SYSTEMS) + "/" + name + ".xml"; }

struct ModelSystem {
  const char *file, *model;
};
class BornModel : public ::testing::TestWithParam<ModelSystem> {};

TEST_P(BornModel, HasOpenMMsConstantsAndNecks) {
  const MolecularSystem system = read_openmm_system(xml_of(GetParam().file));
  const GeneralizedBorn &read = *system.generalized_born, known = generalized_born_model(GetParam().model);
  EXPECT_EQ(read.model, GetParam().model);
  EXPECT_EQ(known.model, GetParam().model);
  for (const auto member : born_constants) EXPECT_EQ(read.*member, known.*member);
  EXPECT_EQ(read.particle_inside_term, known.particle_inside_term);
  ASSERT_EQ(read.neck.has_value(), read.model == "GBn" || read.model == "GBn2");
  if (!read.neck) return;
  std::vector<double> radii;
  for (const auto& particle : read.particles) radii.push_back(particle.offset_radius + read.offset);
  // The radii come from subtracting the offset and adding it: OpenMM may keep apart what rounding makes one here.
  const BornNeck necks = born_neck(radii, read.neck->scale);
  for (std::size_t i = 0; i < radii.size(); ++i)
    for (std::size_t j = 0; j < radii.size(); ++j) {
      const auto ours = static_cast<std::size_t>(necks.radius_index[i] * necks.n_radii + necks.radius_index[j]);
      const auto theirs =
          static_cast<std::size_t>(read.neck->radius_index[i] * read.neck->n_radii + read.neck->radius_index[j]);
      EXPECT_NEAR(necks.height[ours], read.neck->height[theirs], 1e-12) << i << " " << j;
      EXPECT_NEAR(necks.distance[ours], read.neck->distance[theirs], 1e-12) << i << " " << j;
    }
  EXPECT_EQ(necks.cutoff, read.neck->cutoff);
  if (read.model != "GBn2") return;
  for (std::size_t i = 0; i < radii.size(); ++i) {
    const auto expected = gbn2_coefficients(system.atoms[i].element);
    EXPECT_EQ(read.coefficients[i].alpha, expected.alpha) << system.atoms[i].element;
    EXPECT_EQ(read.coefficients[i].beta, expected.beta);
    EXPECT_EQ(read.coefficients[i].gamma, expected.gamma);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BornModel,
                         ::testing::Values(ModelSystem{"ala_hct", "HCT"}, ModelSystem{"ala_obc1", "OBC1"},
                                           ModelSystem{"ala_gbn", "GBn"}, ModelSystem{"cys_gbn2", "GBn2"},
                                           ModelSystem{"ala_gbn2_cutoff", "GBn2"}),
                         [](const auto& info) { return info.param.file; });

TEST(BornModels, CutoffsAreRead) {
  const auto gbn2 = read_openmm_system(xml_of("ala_gbn2_cutoff"));
  EXPECT_EQ(gbn2.generalized_born->cutoff, 0.65);
  EXPECT_EQ(gbn2.cutoff->distance, 0.65);
  EXPECT_EQ(gbn2.cutoff->reaction_field_dielectric, 1);
  EXPECT_EQ(read_openmm_system(xml_of("ala2_obc2_cutoff")).generalized_born->cutoff, 0.7);
  EXPECT_EQ(read_openmm_system(xml_of("ala2_vacuum_cutoff")).cutoff->reaction_field_dielectric, 78.3);
  EXPECT_FALSE(read_openmm_system(xml_of("cys_gbn2")).cutoff);
}

TEST(BornModels, UnknownNamesAndRadiiAreNamed) {
  EXPECT_THAT([] { generalized_born_model("OBC3"); }, ThrowsMessage<InputError>(HasSubstr("\"OBC3\"")));
  const std::vector<double> radii{0.15, 0.21};
  EXPECT_THAT([&] { born_neck(radii, 1); }, ThrowsMessage<InputError>(HasSubstr("atom 1 has a Born radius of 0.21")));
  EXPECT_THROW(born_neck(std::vector<double>{0.0 / 0.0}, 1), InputError);
}

struct Change {
  const char *description, *file, *from, *to, *message;
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.description; }
class ChangedBornForce : public ::testing::TestWithParam<Change> {};

TEST_P(ChangedBornForce, IsAnErrorWithItsReason) {
  std::string text = read_file(xml_of(GetParam().file));
  const std::size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(GetParam().from).size(), GetParam().to);
  EXPECT_THAT([&] { openmm_system_from_xml(text, "bad.xml"); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("bad.xml:"), HasSubstr(GetParam().message))));
}

INSTANTIATE_TEST_SUITE_P(
    All, ChangedBornForce,
    ::testing::Values(Change{"hct_radius", "ala_hct", "1/(1/or-I)", "1/(1/or-2*I)", "Born radius"},
                      Change{"neck_power", "cys_gbn2", "radindex2))^6)", "radindex2))^4)", "definition of Ineck"},
                      Change{"neck_scale", "cys_gbn2", "neckScale=0.826836", "neckScale=much",
                             "where a number is expected"},
                      Change{"neck_offset", "cys_gbn2", "offset=0.0195141", "offset=0.009", "offset"},
                      Change{"no_tables", "cys_gbn2", "name=\"getm0\"", "name=\"getm1\"", "tabulated functions"},
                      Change{"two_of_one_table", "cys_gbn2", "name=\"getm0\"", "name=\"getd0\"", "tabulated functions"},
                      Change{"table_size", "cys_gbn2", "xsize=\"", "xsize=\"1", "tabulated functions"},
                      Change{"negative_size", "cys_gbn2", "xsize=\"", "xsize=\"-", "tabulated functions"},
                      Change{"table_value", "cys_gbn2", "<Value v=\".", "<Value v=\"x.", "is not a finite number"},
                      Change{"parameter", "cys_gbn2", "name=\"alpha\"", "name=\"delta\"", "per-particle parameters"},
                      Change{"radius_index", "cys_gbn2", "param7=\"", "param7=\"9", "neck radius of atom"},
                      Change{"half_index", "cys_gbn2", "param7=\"", "param7=\".5", "radius index"},
                      Change{"shift", "ala_gbn2_cutoff", "(1/f-1.5", "(1/f-1.6", "not the inverse of the cutoff"},
                      Change{"no_shift", "ala_gbn2_cutoff", "*(1/f-", "/f*(1-", "with a cutoff"},
                      Change{"cutoff", "ala2_vacuum_cutoff", "cutoff=\".6\"", "cutoff=\"-1\"", "the cutoff is -1 nm"},
                      Change{"switching", "ala2_vacuum_cutoff", "useSwitchingFunction=\"0\"",
                             "useSwitchingFunction=\"1\"", "switching functions"}),
    [](const auto& info) { return info.param.description; });

// Bytes of the force changed, taken out and put in twice: a system that can be computed, or one error.
TEST(BornModels, DamagedForcesAreErrorsOrSystems) {
  const std::string good = read_file(xml_of("cys_gbn2"));
  const std::size_t begin = good.find("type=\"CustomGBForce\"");
  ASSERT_NE(begin, std::string::npos);
  RandomStream random(17);
  int n_errors = 0;
  for (int trial = 0; trial < 1500; ++trial) {
    std::string text = good;
    for (int change = 0; change <= static_cast<int>(random.below(3)); ++change) {
      const std::size_t at = begin + random.below(text.size() - begin), length = 1 + random.below(40);
      switch (random.below(3)) {
        case 0:
          text[at] = static_cast<char>(32 + random.below(95));
          break;
        case 1:
          text.erase(at, length);
          break;
        default:
          text.insert(at, text.substr(at, length));
      }
    }
    try {
      make_force_field(openmm_system_from_xml(text, "damaged.xml"));
    } catch (const InputError&) {
      ++n_errors;
    }
  }
  EXPECT_GT(n_errors, 1000);
}

}  // namespace
}  // namespace boltzflow
