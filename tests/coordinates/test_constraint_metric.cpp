// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/constraint_metric.hpp"
#include "coordinates/coordinates_test_systems.hpp"
#include "coordinates/peptides.hpp"

namespace boltzflow {
namespace {

// Two bonds on one atom: det H = (1/m_C + 1/m_H)^2 - (cos a / m_C)^2; on atoms of their own they do not couple.
TEST(ConstraintMetric, IsThatOfTwoBondsInClosedForm) {
  auto system = ethylamine();
  for (Atom& atom : system.atoms) atom.mass = atom.element == "H" ? 1.008 : atom.element == "C" ? 12.011 : 14.007;
  EXPECT_EQ(log_constraint_metric(system, system.positions), 0);
  system.constraints = {{0, 3, 0.109}, {4, 0, 0.109}};
  const double own = 1 / 12.011 + 1 / 1.008, coupling = std::cos(angle_between(system.positions, 3, 0, 4)) / 12.011;
  EXPECT_NEAR(log_constraint_metric(system, system.positions), 0.5 * std::log(own * own - coupling * coupling), 1e-12);
  system.constraints = {{0, 3, 0.109}, {8, 2, 0.101}};
  EXPECT_NEAR(log_constraint_metric(system, system.positions), 0.5 * std::log(own * (1 / 14.007 + 1 / 1.008)), 1e-12);
  system.constraints = {{0, 3, 0.109}, {3, 0, 0.109}};
  EXPECT_THROW(log_constraint_metric(system, system.positions), InputError);
}

// How much a rigid reference is reweighted by: angles moving as at 300 K (5 degrees) change the metric of a peptide's
// 41 fixed bonds by less than a thousandth of kT (measured 7e-4).
TEST(ConstraintMetric, HardlyVariesForBondsToHydrogen) {
  auto system = peptide("elil");
  fix_bonds_to_hydrogens(system);
  const InternalCoordinates coordinates(system);
  const auto reference = from_cartesian(coordinates, system.positions);
  RandomStream random(75);
  double sum = 0, squares = 0;
  constexpr int n = 200;
  for (int s = 0; s < n; ++s) {
    auto z = reference.z;
    for (std::size_t k = 0; k < z.size(); ++k)
      if (coordinates.dimensions()[k].kind == CoordinateKind::angle) z[k] += 5.0 / 180 * pi / 1.8 * random.normal();
    std::vector<double> x(system.positions.size()), log_det(1);
    coordinates.to_cartesian(z, x, log_det);
    const double metric = log_constraint_metric(system, x);
    sum += metric / n, squares += metric * metric / n;
  }
  const double deviation = std::sqrt(squares - sum * sum);
  testing::Test::RecordProperty("deviation", std::to_string(deviation));
  EXPECT_GT(deviation, 1e-4);
  EXPECT_LT(deviation, 2e-3);
}

}  // namespace
}  // namespace boltzflow
