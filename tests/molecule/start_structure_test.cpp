// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/start_structure.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/build_system.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {
namespace {

constexpr const char* amino_acids[] = {"ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE",
                                       "LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"};

std::vector<std::string> sequences() {
  std::vector<std::string> out{"GLY-TYR-ASP-PRO-GLU-THR-GLY-THR-TRP-GLY", "PRO-PRO-PRO-PRO"};
  std::string all = "ACE";
  for (const char* residue : amino_acids) {
    out.push_back(std::string("ACE-") + residue + "-NME");
    out.push_back(std::string(residue) + "-" + residue);
    all += std::string("-") + residue;
  }
  out.push_back(all + "-NME");
  return out;
}

double distance(const std::vector<double>& x, int i, int j) {
  return std::hypot(x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1], x[3 * i + 2] - x[3 * j + 2]);
}

/// Of four atoms, rad.
double torsion(const std::vector<double>& x, const std::array<int, 4>& atoms) {
  double b[3][3];
  for (int n = 0; n < 3; ++n)
    for (int axis = 0; axis < 3; ++axis) b[n][axis] = x[3 * atoms[n + 1] + axis] - x[3 * atoms[n] + axis];
  const auto cross = [](const double* p, const double* q, double* out) {
    for (int i = 0; i < 3; ++i) out[i] = p[(i + 1) % 3] * q[(i + 2) % 3] - p[(i + 2) % 3] * q[(i + 1) % 3];
  };
  double m[3], n[3], mn[3];
  cross(b[0], b[1], m);
  cross(b[1], b[2], n);
  cross(m, n, mn);
  const auto dot = [](const double* p, const double* q) { return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]; };
  return std::atan2(dot(mn, b[1]) / std::sqrt(dot(b[1], b[1])), dot(m, n));
}

TEST(StartStructure, HasEquilibriumBondsNaturalStereochemistryAndNoClashes) {
  for (const auto& sequence : sequences()) {
    SCOPED_TRACE(sequence);
    const MolecularSystem system = build_system_from_sequence(sequence);
    const std::vector<double>& x = system.positions;
    ASSERT_EQ(x.size(), 3 * system.atoms.size());
    for (double value : x) ASSERT_TRUE(std::isfinite(value));

    const bool has_ring = sequence.find("PRO") != std::string::npos || sequence.find("PHE") != std::string::npos ||
                          sequence.find("TYR") != std::string::npos || sequence.find("TRP") != std::string::npos ||
                          sequence.find("HIS") != std::string::npos;
    double worst_bond = 0;
    for (const auto& bond : system.harmonic_bonds)
      worst_bond = std::max(worst_bond, std::abs(distance(x, bond.i, bond.j) - bond.length));
    // Rings close as well as the force field's angles let them.
    EXPECT_LE(worst_bond, has_ring ? 0.03 : 1e-12);

    for (const auto& centre : stereocentres(system)) EXPECT_GT(signed_volume(centre, x), 1e-4) << centre.centre;
    for (const auto& phi : system.phi) {
      const bool proline = system.atoms[phi[2]].residue_name == "PRO";  // its ring comes first
      EXPECT_NEAR(torsion(x, phi) * 180 / std::numbers::pi, proline ? -60 : -140, proline ? 5 : 1e-9);
    }
    for (const auto& psi : system.psi) EXPECT_NEAR(torsion(x, psi), 140 * std::numbers::pi / 180, 1e-9);

    const auto bonded = bonded_atoms(system.n_atoms(), system.bonds);
    std::vector<std::set<int>> near(system.atoms.size());
    for (int i = 0; i < system.n_atoms(); ++i)
      for (int j : bonded[i]) {
        near[i].insert(j);
        near[i].insert(bonded[j].begin(), bonded[j].end());
      }
    double nearest = 1;
    for (int i = 0; i < system.n_atoms(); ++i)
      for (int j = 0; j < i; ++j)
        if (!near[i].contains(j)) nearest = std::min(nearest, distance(x, i, j));
    EXPECT_GE(nearest, 0.12);  // side chains two residues apart may touch before minimisation; most keep 0.18
  }
}

}  // namespace
}  // namespace boltzflow
