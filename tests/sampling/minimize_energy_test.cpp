// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_energy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "sampling/analytic_potential.hpp"

namespace boltzflow {
namespace {

TEST(MinimizeEnergy, FindsTheBottomOfAParabola) {
  const auto potential = testing::harmonic(2, 1000);
  const auto result =
      minimize_energy(potential, std::vector<double>{1, -2, 0.5, 0, 0.1, 3});
  EXPECT_LE(result.root_mean_square_gradient, 1);
  for (const double x : result.positions)
    EXPECT_NEAR(x, 0, 3e-3);
}

TEST(MinimizeEnergy, TakesAMoleculeOutOfItsClashes) {
  const auto system = load_system("alanine-dipeptide");
  const auto potential = make_force_field(system);
  auto positions = system.positions;
  RandomStream random(2);
  for (double &x : positions)
    x += 0.05 * random.normal();
  double at_start = 0;
  potential->energy(std::span<const double>(positions), {&at_start, 1});
  const auto result = minimize_energy(*potential, positions);
  EXPECT_GT(at_start, 1000);
  EXPECT_LT(result.energy, -100); // the global minimum is -173 kJ/mol
}

TEST(MinimizeEnergy, RefusesWrongSizesAndEnergies) {
  const auto potential = testing::harmonic(1, 1);
  EXPECT_THROW(minimize_energy(potential, std::vector<double>{1, 2}),
               InputError);
  EXPECT_THROW(
      minimize_energy(potential, std::vector<double>{1, 2, std::nan("")}),
      InputError);
}

} // namespace
} // namespace boltzflow
