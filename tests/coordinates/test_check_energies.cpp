// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/check_energies.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "boltzflow/base/errors.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Reduced energies of 60 harmonic degrees of freedom (those of the dipeptide) at so many times the temperature.
std::vector<double> harmonic_energies(double factor) {
  RandomStream random(4);
  std::vector<double> energies(4000, -69.4);
  for (double& energy : energies)
    for (int k = 0; k < 60; ++k) {
      const double x = random.normal();
      energy += 0.5 * factor * x * x;
    }
  return energies;
}

EnergyCheck check_of(const std::vector<double>& energies) {
  return check_energies(alanine_dipeptide(), energies, -69.4, 300, "md.dcd");
}

TEST(CheckEnergies, SaysNothingOfEquilibrium) {
  const EnergyCheck check = check_of(harmonic_energies(1));
  EXPECT_THAT(check.warnings, IsEmpty());
  EXPECT_NEAR(check.thermal_ratio, 1, 0.02);  // the median of a gamma distribution of shape 30 is at 29.67
  // One per cent of a gamma distribution of shape 30 lies above 44.19; its error for 4000 draws is 0.35.
  EXPECT_NEAR(check.quantile_99, -69.4 + 44.19, 1.75);
}

TEST(CheckEnergies, NamesOtherTemperatures) {
  EXPECT_THAT(check_of(harmonic_energies(2)).warnings,
              ElementsAre(testing::AllOf(HasSubstr("md.dcd: "), testing::ContainsRegex("made at (58|59|60)[0-9] K"))));
  EXPECT_THAT(check_of(harmonic_energies(0.3)).warnings, ElementsAre(HasSubstr("above the minimum")));
}

TEST(CheckEnergies, NamesFramesWithoutEnergyAndStrain) {
  std::vector<double> energies = harmonic_energies(1);
  energies[17] = std::numeric_limits<double>::quiet_NaN();
  energies[18] = std::numeric_limits<double>::infinity();
  for (std::size_t n = 100; n < 160; ++n) energies[n] = 1e5;
  const EnergyCheck check = check_of(energies);
  EXPECT_EQ(check.n_not_finite, 2);
  EXPECT_THAT(check.warnings, ElementsAre(HasSubstr("2 of 4000 frames have no finite energy, first frame 17"),
                                          HasSubstr("one frame in a hundred")));
  EXPECT_THROW((void)check_of({}), InputError);
  EXPECT_THROW((void)check_of({std::nan("")}), InputError);
}

}  // namespace
}  // namespace boltzflow
