// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_energy.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/energy/analytic_targets.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/molecule/start_structure.hpp"
#include "sampling/analytic_potential.hpp"

namespace boltzflow {
namespace {

double energy_at(const Potential& potential, const std::vector<double>& positions) {
  double energy = 0;
  potential.energy(std::span<const double>(positions), {&energy, 1});
  return energy;
}

TEST(MinimizeEnergy, FindsTheBottomOfAParabola) {
  const auto potential = testing::harmonic(2, 1000);
  const auto result = minimize_energy(potential, std::vector<double>{1, -2, 0.5, 0, 0.1, 3});
  EXPECT_TRUE(result.converged);
  EXPECT_LE(result.root_mean_square_gradient, 1);
  for (const double x : result.positions) EXPECT_NEAR(x, 0, 3e-3);  // rms gradient 1 / 1000, times sqrt(6)
}

// A quartic has no curvature at its minimum, so that quadratic models do badly: cubic convergence of x at best.
TEST(MinimizeEnergy, FindsTheBottomOfAQuartic) {
  const testing::SeparablePotential potential(1, [](double x) {
    return testing::SeparablePotential::Value{std::pow(x, 4), 4 * std::pow(x, 3)};
  });
  const auto result =
      minimize_energy(potential, std::vector<double>{1, -2, 0.5}, {.gradient_tolerance = 1e-9, .max_displacement = 1});
  EXPECT_TRUE(result.converged);
  for (const double x : result.positions) EXPECT_LE(std::abs(x), std::cbrt(1e-9 * std::sqrt(3.0) / 4));
}

// Minima where the gradients of double-well, x^3 - 6 x + 1 = 0, and Mueller-Brown vanish; energies in R T.
TEST(MinimizeEnergy, FindsTheMinimaOfAnalyticTargets) {
  const struct {
    const char* target;
    std::vector<double> start, minimum;
  } cases[] = {
      {"double-well", {-1, 2}, {-2.528917957, 0}},
      {"double-well", {1, -3}, {2.361468766, 0}},
      {"mueller-brown", {-0.8, 1.6}, {-0.558223634, 1.441725842}},
      {"mueller-brown", {0.8, 0.2}, {0.623499405, 0.028037759}},
      {"mueller-brown", {-0.1, 0.5}, {-0.050010823, 0.466694105}},
  };
  for (const auto& c : cases) {
    const auto potential = make_analytic_target(c.target);
    const auto result = minimize_energy(*potential, c.start, {.gradient_tolerance = 1e-7, .max_displacement = 0.2});
    ASSERT_TRUE(result.converged) << c.target << ' ' << result.root_mean_square_gradient;
    EXPECT_LT(result.evaluations, 60);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(result.positions[i], c.minimum[i], 1e-8) << c.target;
  }
}

TEST(MinimizeEnergy, TakesAMoleculeOutOfItsClashes) {
  const auto system = load_system("alanine-dipeptide");
  const auto potential = make_force_field(system);
  for (const double amplitude : {0.05, 0.1, 0.2})
    for (const std::uint64_t seed : {2, 3, 4}) {
      auto positions = system.positions;
      RandomStream random(seed);
      for (double& x : positions) x += amplitude * random.normal();
      EXPECT_GT(energy_at(*potential, positions), 1000);
      const auto result = minimize_energy(*potential, positions);
      EXPECT_TRUE(result.converged) << amplitude << ' ' << seed;
      EXPECT_LT(result.energy,
                amplitude < 0.06 ? -100 : 300);  // the global minimum is -173 kJ/mol; rings may interlock
    }
}

// From a structure built of ideal bonds and angles, from one squeezed to a fifth.
TEST(MinimizeEnergy, TakesChignolinToAMinimum) {
  const auto system = load_system("chignolin");
  const auto potential = make_force_field(system);
  auto start = start_structure(system);
  const auto built = minimize_energy(*potential, start, {.max_iterations = 4000, .gradient_tolerance = 0.5});
  EXPECT_TRUE(built.converged) << built.root_mean_square_gradient;
  EXPECT_LT(built.energy, energy_at(*potential, start));
  EXPECT_NEAR(built.energy, energy_at(*potential, built.positions), 1e-9 * std::abs(built.energy));

  for (double& x : start) x *= 0.2;
  const auto squeezed = minimize_energy(*potential, start, {.max_iterations = 300});
  EXPECT_TRUE(std::isfinite(squeezed.energy));
  EXPECT_LT(squeezed.energy, 1e-3 * energy_at(*potential, start));
  for (const double x : squeezed.positions) EXPECT_TRUE(std::isfinite(x));
}

// The energy of the wall is infinite: the line search must turn back.
TEST(MinimizeEnergy, StaysWhereTheEnergyIsFinite) {
  const testing::SeparablePotential potential(1, [](double x) {
    return testing::SeparablePotential::Value{x > 0 ? x - std::log(x) : std::nan(""), x > 0 ? 1 - 1 / x : std::nan("")};
  });
  const auto result = minimize_energy(potential, std::vector<double>{1e-3, 40, 5},
                                      {.gradient_tolerance = 1e-6, .max_displacement = 1e3});
  EXPECT_TRUE(result.converged);
  for (const double x : result.positions) EXPECT_NEAR(x, 1, 1e-5);
}

TEST(MinimizeEnergy, EndsAtItsLastIterationOrWhereRoundingStopsIt) {
  const auto potential = testing::harmonic(2, 1000);
  const std::vector<double> start{1, -2, 0.5, 0, 0.1, 3};
  const auto few = minimize_energy(potential, start, {.max_iterations = 3});
  EXPECT_EQ(few.iterations, 3);
  EXPECT_FALSE(few.converged);
  const auto system = load_system("alanine-dipeptide");
  const auto forces = make_force_field(system);
  const auto impossible = minimize_energy(*forces, system.positions, {.gradient_tolerance = 1e-300});
  EXPECT_FALSE(impossible.converged);
  EXPECT_LT(impossible.root_mean_square_gradient, 1e-6);  // measured 1e-9; energies near -170 kJ/mol round at 3e-14
}

TEST(MinimizeEnergy, RefusesWrongSizesEnergiesAndOptions) {
  const auto potential = testing::harmonic(1, 1);
  const std::vector<double> start{1, 2, 3};
  EXPECT_THROW(minimize_energy(potential, std::vector<double>{1, 2}), InputError);
  EXPECT_THROW(minimize_energy(potential, std::vector<double>{1, 2, std::nan("")}), InputError);
  EXPECT_THROW(minimize_energy(potential, start, {.max_iterations = -1}), InputError);
  EXPECT_THROW(minimize_energy(potential, start, {.gradient_tolerance = 0}), InputError);
  EXPECT_THROW(minimize_energy(potential, start, {.max_displacement = std::nan("")}), InputError);
}

}  // namespace
}  // namespace boltzflow
