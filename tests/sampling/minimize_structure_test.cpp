// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/minimize_structure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/build_system.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/molecule/start_structure.hpp"

namespace boltzflow {
namespace {

double length(const HarmonicBond& bond, const std::vector<double>& x) {
  const double *a = &x[3 * bond.i], *b = &x[3 * bond.j];
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

// The structure built from a sequence is extended, its sulphurs up to 2 nm apart. Closing the ring must leave every
// bond within a minimum's strain of its length, and every centre in its natural form.
TEST(MinimizeStructure, ClosesDisulphides) {
  const struct {
    std::string sequence;
    std::vector<std::array<int, 2>> disulphides;
  } cases[] = {{"ACE-CYS-GLY-GLY-CYS-NME", {{2, 5}}},
               {"CYS-TYR-ILE-GLN-ASN-CYS-PRO-LEU-GLY", {{1, 6}}},
               {"ACE-CYS-ALA-CYS-THR-PRO-CYS-VAL-CYS-NME", {{2, 7}, {4, 9}}}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.sequence);
    const MolecularSystem system = build_system_from_sequence(c.sequence, {.disulphides = c.disulphides});
    double longest = 0;
    for (const auto& bond : system.harmonic_bonds) longest = std::max(longest, length(bond, system.positions));
    EXPECT_GT(longest, 0.5);
    const auto result = minimize_structure(system, {.max_iterations = 4000});
    EXPECT_TRUE(result.converged) << result.root_mean_square_gradient;
    for (const auto& bond : system.harmonic_bonds) EXPECT_NEAR(length(bond, result.positions), bond.length, 0.01);
    ASSERT_FALSE(stereocentres(system).empty());
    for (const auto& centre : stereocentres(system)) EXPECT_GT(signed_volume(centre, result.positions), 1e-3);
  }
}

TEST(MinimizeStructure, HoldsFixedBondsWithoutHarmonicTermsNearTheirLengths) {
  const MolecularSystem system = build_system_from_sequence("ACE-ALA-NME", {.fix_hydrogen_bonds = true});
  const auto result = minimize_structure(system);
  EXPECT_TRUE(result.converged);
  ASSERT_EQ(system.constraints.size(), 12u);
  for (const auto& c : system.constraints)
    EXPECT_NEAR(length({c.i, c.j, c.distance, 0}, result.positions), c.distance,
                2e-3);  // 3e5 kJ/mol/nm^2 against forces of 600
}

TEST(MinimizeStructure, RefusesASystemWithoutAStructure) {
  MolecularSystem system = load_system("alanine-dipeptide");
  system.positions.clear();
  EXPECT_THROW(minimize_structure(system), InputError);
}

}  // namespace
}  // namespace boltzflow
