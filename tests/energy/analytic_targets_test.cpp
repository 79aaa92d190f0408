// SPDX-License-Identifier: MIT
#include "boltzflow/energy/analytic_targets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/energy/reduced_potential.hpp"

namespace boltzflow {
namespace {

std::vector<double> reduced_energies(std::string_view name, const std::vector<double>& x) {
  const ReducedPotential u(make_analytic_target(name, 450), 450);
  std::vector<double> energy(x.size() / static_cast<std::size_t>(u.potential().dimension()));
  u.reduced_energy(std::span<const double>(x), energy);
  return energy;
}

struct Box {
  double low_x, high_x, low_y, high_y;
};
struct Integral {
  double log_partition_function, mean_x;
};

/// exp(-u) summed over a fine grid, which is exact to rounding for smooth functions that vanish at the border; and the
/// mean of the first coordinate.
Integral integral(std::string_view name, const Box& box, int n) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      x.push_back(box.low_x + (box.high_x - box.low_x) * i / (n - 1));
      x.push_back(box.low_y + (box.high_y - box.low_y) * j / (n - 1));
    }
  const auto u = reduced_energies(name, x);
  double sum = 0, sum_x = 0;
  for (std::size_t s = 0; s < u.size(); ++s) sum += std::exp(-u[s]), sum_x += std::exp(-u[s]) * x[2 * s];
  const double area = (box.high_x - box.low_x) * (box.high_y - box.low_y) / std::pow(n - 1, 2);
  return {std::log(sum * area), sum_x / sum};
}

double stated(std::string_view name) {
  return std::ranges::find(analytic_targets(), name, &AnalyticTarget::name)->log_partition_function;
}

TEST(AnalyticTargets, PartitionFunctionsInThePlaneAreThoseOfQuadrature) {
  const Integral mixture = integral("gaussian-mixture", {-55, 55, -55, 55}, 601);
  EXPECT_NEAR(mixture.log_partition_function, stated("gaussian-mixture"), 1e-9);
  double mean = 0;
  for (const auto& c : gaussian_mixture_centers()) mean += c[0] / 40;
  EXPECT_NEAR(mixture.mean_x, mean, 1e-8);
  EXPECT_NEAR(integral("double-well", {-6, 6, -10, 10}, 401).log_partition_function, stated("double-well"), 1e-10);
  EXPECT_NEAR(integral("mueller-brown", {-4, 3, -3, 4}, 701).log_partition_function, stated("mueller-brown"), 1e-10);
}

TEST(AnalyticTargets, ManyWellIsAProductOfSixteen) {
  // One coordinate goes through its well, all others stay at the origin, where they have u = 0.
  double sum = 0;
  constexpr int n = 4001;
  std::vector<double> x(static_cast<std::size_t>(32 * n), 0.0);
  for (int i = 0; i < n; ++i) x[static_cast<std::size_t>(32 * i + 6)] = -6 + 12.0 * i / (n - 1);
  for (const double u : reduced_energies("many-well", x)) sum += std::exp(-u) * 12.0 / (n - 1);
  EXPECT_NEAR(16 * (std::log(sum) + 0.5 * std::log(2 * std::numbers::pi)), stated("many-well"), 1e-9);
  std::vector<double> one(32, 0.0), all(32, 0.0);
  for (std::size_t i = 0; i < 32; i += 2) all[i] = 1.3, all[i + 1] = 0.4;
  one[0] = 1.3, one[1] = 0.4;
  EXPECT_NEAR(reduced_energies("many-well", all)[0], 16 * reduced_energies("many-well", one)[0], 1e-11);
}

TEST(AnalyticTargets, MuellerBrownHasItsThreeMinima) {
  // The published minima and their energies, to the digits they are given with.
  const auto u = reduced_energies("mueller-brown", {-0.558, 1.442, 0.623, 0.028, -0.050, 0.467});
  EXPECT_NEAR(u[0], -14.670, 1e-3);
  EXPECT_NEAR(u[1], -10.817, 1e-3);
  EXPECT_NEAR(u[2], -8.077, 1e-3);
}

TEST(AnalyticTargets, ThirteenLennardJonesAtomsFormAnIcosahedron) {
  // The lowest energy of 13 atoms is that of a centred icosahedron, -44.326801 (Hoare & Pal 1971); the tether apart.
  constexpr double golden = std::numbers::phi;
  std::vector<double> vertices{0, 0, 0};
  for (const double a : {-1.0, 1.0})
    for (const double b : {-golden, golden})
      for (int axis = 0; axis < 3; ++axis) {
        double v[3];
        v[axis] = 0, v[(axis + 1) % 3] = a, v[(axis + 2) % 3] = b;
        vertices.insert(vertices.end(), v, v + 3);
      }
  double lowest = 0;
  for (double radius = 0.9; radius < 1.05; radius += 1e-5) {
    auto x = vertices;
    for (double& c : x) c *= radius / std::sqrt(1 + golden * golden);
    for (std::size_t c = 0; c < x.size(); c += 3) x[c] += 5;  // it may move as a whole
    lowest = std::min(lowest, reduced_energies("lennard-jones-13", x)[0] - 0.5 * 12 * radius * radius);
  }
  EXPECT_NEAR(lowest, -44.326801, 2e-6);
}

// Central differences with h = 1e-5 are good to 1e-10 u''' and to the rounding 1e-16 u/h.
TEST(AnalyticTargets, GradientsAreDerivativesInBothPrecisions) {
  for (const AnalyticTarget& target : analytic_targets()) {
    const auto potential = make_analytic_target(target.name);
    ASSERT_EQ(potential->dimension(), target.dimension) << target.name;
    RandomStream random(31);
    const auto d = static_cast<std::size_t>(target.dimension);
    std::vector<double> x(20 * d), energy(20), gradient(x.size());
    for (double& c : x) c = static_cast<float>(1.5 * random.normal());
    potential->energy_and_gradient(std::span<const double>(x), energy, gradient);
    const std::vector<float> narrow(x.begin(), x.end());
    std::vector<float> narrow_gradient(x.size());
    std::vector<double> narrow_energy(20), terms(20);
    potential->energy_and_gradient(std::span<const float>(narrow), narrow_energy, narrow_gradient);
    potential->energy_terms(x, terms);
    EXPECT_EQ(energy, narrow_energy);
    EXPECT_EQ(energy, terms);
    for (std::size_t c = 0; c < x.size(); ++c) {
      const std::size_t s = c / d;
      std::vector<double> up(&x[s * d], &x[s * d] + d), down = up;
      up[c % d] += 1e-5, down[c % d] -= 1e-5;
      double high = 0, low = 0, size = std::abs(energy[s]);
      potential->energy(std::span<const double>(up), {&high, 1});
      potential->energy(std::span<const double>(down), {&low, 1});
      for (std::size_t k = s * d; k < (s + 1) * d; ++k) size = std::max(size, std::abs(gradient[k]));
      // Lennard-Jones atoms at random overlap: their third derivative is 1e4 times their slope and more.
      const double tolerance = target.name == "lennard-jones-13" ? 1e-3 : 1e-7;
      EXPECT_NEAR((high - low) / 2e-5, gradient[c], tolerance * (1 + size)) << target.name << " " << c;
      EXPECT_EQ(narrow_gradient[c], static_cast<float>(gradient[c]));
    }
  }
}

TEST(AnalyticTargets, WrongNamesAndSizesAreNamed) {
  EXPECT_THROW(make_analytic_target("triple-well"), InputError);
  EXPECT_THROW(make_analytic_target("double-well", 0), InputError);
  const auto potential = make_analytic_target("double-well");
  std::vector<double> x(3), energy(1);
  EXPECT_THROW(potential->energy(std::span<const double>(x), energy), InputError);
  EXPECT_THROW(potential->energy_and_gradient(std::span<const double>(x).first(2), energy, std::span<double>{}),
               InputError);
  EXPECT_EQ(potential->n_atoms(), 0);
}

}  // namespace
}  // namespace boltzflow
