// SPDX-License-Identifier: MIT
#include "boltzflow/energy/reduced_potential.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// U = x, in kJ/mol per nm, of the first coordinate of one atom.
class Slope final : public Potential {
 public:
  int n_atoms() const noexcept override { return 1; }
  std::string description() const override { return "slope"; }
  void energy(std::span<const float> x, std::span<double> e) const override { fill(x, e); }
  void energy(std::span<const double> x, std::span<double> e) const override { fill(x, e); }
  void energy_and_gradient(std::span<const float> x, std::span<double> e, std::span<float> g) const override {
    fill(x, e);
    for (std::size_t c = 0; c < g.size(); ++c) g[c] = c % 3 == 0 ? 1.0f : 0.0f;
  }
  void energy_and_gradient(std::span<const double> x, std::span<double> e, std::span<double> g) const override {
    fill(x, e);
    for (std::size_t c = 0; c < g.size(); ++c) g[c] = c % 3 == 0 ? 1.0 : 0.0;
  }
  std::vector<std::string> term_names() const override { return {"slope"}; }
  void energy_terms(std::span<const double> x, std::span<double> terms) const override { fill(x, terms); }

 private:
  template <class Scalar>
  static void fill(std::span<const Scalar> x, std::span<double> e) {
    for (std::size_t s = 0; s < e.size(); ++s) e[s] = x[3 * s];
  }
};

TEST(Regularize, IsLinearThenLogarithmicThenFlat) {
  const EnergyRegularization r;
  EXPECT_EQ(regularize(-12.5, r), -12.5);
  EXPECT_EQ(regularize(1e8, r), 1e8);
  EXPECT_DOUBLE_EQ(regularize(1e8 + 1, r), 1e8 + std::log(2.0));
  EXPECT_DOUBLE_EQ(regularize(1e15, r), 1e8 + std::log(1e15 - 1e8 + 1));
  EXPECT_EQ(regularize(1e25, r), regularize(1e20, r));
  EXPECT_EQ(regularize(infinity, r), regularize(1e20, r));
  EXPECT_TRUE(std::isnan(regularize(-infinity, r)));
  EXPECT_TRUE(std::isnan(regularize(std::nan(""), r)));
}

TEST(ReducedPotential, DividesByThermalEnergyAndCounts) {
  const ReducedPotential u(std::make_shared<Slope>(), 300);
  const std::vector<double> x{2, 0, 0, infinity, 0, 0, std::nan(""), 0, 0};
  std::vector<double> energy(3);
  u.reduced_energy(std::span<const double>(x), energy);
  EXPECT_DOUBLE_EQ(energy[0], 2 / thermal_energy(300));
  EXPECT_EQ(energy[1], regularize(infinity, {}));
  EXPECT_TRUE(std::isnan(energy[2]));
  EXPECT_EQ(u.n_evaluations(), 3);
  EXPECT_EQ(u.n_non_finite(), 1);
}

TEST(ReducedPotential, GradientIsThatOfTheRegularisedEnergy) {
  const ReducedPotential u(std::make_shared<Slope>(), 300, {.cut = 10, .maximum = 1000});
  const double kt = thermal_energy(300);
  const std::vector<float> x{5, 0, 0, static_cast<float>(50 * kt), 0, 0, 1e9f, 0, 0};
  std::vector<double> energy(3);
  std::vector<float> gradient(9);
  u.reduced_energy_and_gradient(x, energy, gradient);
  EXPECT_NEAR(gradient[0], 1 / kt, 1e-6);
  EXPECT_NEAR(gradient[3], 1 / kt / (50 - 10 + 1), 1e-6);  // d/dx log(u - cut + 1)
  EXPECT_EQ(gradient[6], 0);
  EXPECT_EQ(energy[2], 10 + std::log(991.0));
}

TEST(ReducedPotential, CountsGoOnWhereTheyWere) {
  ReducedPotential u(std::make_shared<Slope>(), 300);
  u.restore_counts(100, 7);
  const std::vector<float> x{1, 0, 0};
  std::vector<double> energy(1);
  u.reduced_energy(std::span<const float>(x), energy);
  EXPECT_EQ(u.n_evaluations(), 101);
  EXPECT_EQ(u.n_non_finite(), 7);
}

TEST(ReducedPotential, RefusesImpossibleArguments) {
  EXPECT_THROW(ReducedPotential(nullptr, 300), InputError);
  EXPECT_THROW(ReducedPotential(std::make_shared<Slope>(), 0), InputError);
  EXPECT_THROW(ReducedPotential(std::make_shared<Slope>(), std::nan("")), InputError);
  EXPECT_THROW(ReducedPotential(std::make_shared<Slope>(), 300, {.cut = 10, .maximum = 5}), InputError);
}

}  // namespace
}  // namespace boltzflow
