// SPDX-License-Identifier: MIT
#include "boltzflow/energy/energy_plugin.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// OH-, as the tables of a force field may have it: charges that do not quite add up to -1.
MolecularSystem hydroxide() {
  MolecularSystem system;
  system.name = "hydroxide";
  system.atoms = {{.name = "O", .element = "O", .residue_name = "OH", .mass = 16},
                  {.name = "H", .element = "H", .residue_name = "OH", .mass = 1}};
  system.nonbonded = {{-1.3, 0.3, 0.5}, {0.2999, 0.1, 0}};
  return system;
}

TEST(EnergyPlugin, GivesEnergiesAndGradientsInBothPrecisionsOnAllThreads) {
  const auto potential = load_energy_plugin(ENERGY_PLUGIN_HARMONIC, hydroxide());
  EXPECT_EQ(potential->n_atoms(), 2);
  EXPECT_THAT(potential->description(), HasSubstr("2 atoms"));
  constexpr std::size_t n_samples = 101;
  RandomStream random(4);
  std::vector<double> x(6 * n_samples), energy(n_samples), alone(n_samples), terms(n_samples), gradient(x.size());
  for (double& c : x) c = static_cast<float>(random.normal());
  set_thread_count(3);
  potential->energy_and_gradient(std::span<const double>(x), energy, gradient);
  potential->energy(std::span<const double>(x), alone);
  potential->energy_terms(x, terms);
  const std::vector<float> narrow(x.begin(), x.end());
  std::vector<double> narrow_energy(n_samples), narrow_alone(n_samples);
  std::vector<float> narrow_gradient(x.size());
  potential->energy_and_gradient(std::span<const float>(narrow), narrow_energy, narrow_gradient);
  potential->energy(std::span<const float>(narrow), narrow_alone);
  set_thread_count(0);
  for (std::size_t s = 0; s < n_samples; ++s) {
    double expected = 0;
    for (std::size_t c = 0; c < 6; ++c) {
      const double spring = (c < 3 ? 8 : 1) - 1;  // atomic number plus charge
      expected += 0.5 * spring * x[6 * s + c] * x[6 * s + c];
      EXPECT_DOUBLE_EQ(gradient[6 * s + c], spring * x[6 * s + c]);
      EXPECT_FLOAT_EQ(narrow_gradient[6 * s + c], static_cast<float>(gradient[6 * s + c]));
    }
    EXPECT_NEAR(energy[s], expected, 1e-12 * (1 + expected));
  }
  EXPECT_EQ(alone, energy);
  EXPECT_EQ(terms, energy);
  EXPECT_EQ(narrow_energy, energy);
  EXPECT_EQ(narrow_alone, energy);
}

TEST(EnergyPlugin, ItsOwnMessageIsTheError) {
  const auto potential = load_energy_plugin(ENERGY_PLUGIN_HARMONIC, hydroxide());
  std::vector<double> x(12, 0.5), energy(2);
  x[6] = 250;
  EXPECT_THAT([&] { potential->energy(std::span<const double>(x), energy); },
              ThrowsMessage<Error>(AllOf(HasSubstr("energy_plugin_harmonic"), HasSubstr("returned 7"),
                                         HasSubstr("atom 0 is at x = 250 nm, too far out"))));
}

TEST(EnergyPlugin, LibrariesThatCannotServeAreNamed) {
  EXPECT_THAT([] { load_energy_plugin("/nonexistent/energy.so", hydroxide()); },
              ThrowsMessage<MissingInputError>(HasSubstr("/nonexistent/energy.so: there is no such file")));
  EXPECT_THAT([] { load_energy_plugin(__FILE__, hydroxide()); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("energy_plugin_test.cpp"), HasSubstr("no shared library"))));
  EXPECT_THAT([] { load_energy_plugin(ENERGY_PLUGIN_NO_FUNCTION, hydroxide()); },
              ThrowsMessage<InputError>(HasSubstr("does not export the function boltzflow_energy_v1")));
  EXPECT_THROW(load_energy_plugin(ENERGY_PLUGIN_HARMONIC, MolecularSystem{}), InputError);
}

TEST(EnergyPlugin, WrongSizesNeverReachTheLibrary) {
  const auto potential = load_energy_plugin(ENERGY_PLUGIN_HARMONIC, hydroxide());
  std::vector<double> x(12), energy(2);
  std::vector<float> narrow_gradient(11);
  EXPECT_THROW(potential->energy(std::span<const double>(x).first(11), energy), InputError);
  EXPECT_THROW(potential->energy_and_gradient(std::span<const double>(x), energy, std::span<double>{}), InputError);
  EXPECT_THROW(potential->energy_and_gradient(std::vector<float>(12), energy, narrow_gradient), InputError);
}

#if defined(ENERGY_PLUGIN_XTB_GFN2)
// The example is right where its gradient is the derivative of its energy. Central differences over 2e-3 nm carry the
// third derivative of a stretched bond, some 1e-6 * 1e6 kJ/mol/nm, and 1e-3 of noise from self-consistency.
TEST(EnergyPlugin, TheGfn2ExampleIsConsistentAndSurvivesAnImpossibleConformation) {
  const auto system = load_system("alanine-dipeptide");
  const auto potential = load_energy_plugin(ENERGY_PLUGIN_XTB_GFN2, system);
  const std::size_t n = system.positions.size();
  std::vector<double> energy(4), x, gradient(4 * n);
  for (int s = 0; s < 4; ++s) x.insert(x.end(), system.positions.begin(), system.positions.end());
  x[n + 25] += 1e-3;
  x[2 * n + 25] -= 1e-3;
  std::fill(x.begin() + static_cast<long>(3 * n), x.end(), 0.0);  // all atoms in one point
  potential->energy_and_gradient(std::span<const double>(x), energy, gradient);
  EXPECT_NEAR(energy[0] / 2625.4996, -32.965, 1e-2);  // hartree
  EXPECT_NEAR((energy[1] - energy[2]) / 2e-3, gradient[25], 2 + 0.01 * std::abs(gradient[25]));
  EXPECT_TRUE(std::isnan(energy[3]));
}
#endif

}  // namespace
}  // namespace boltzflow
