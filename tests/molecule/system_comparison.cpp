// SPDX-License-Identifier: MIT
#include "molecule/system_comparison.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "molecule/born_constants.hpp"

namespace boltzflow {
namespace {

using Row = std::vector<double>;

void expect_same_rows(const char* what, std::vector<Row> actual, std::vector<Row> expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  // Rounded for the order only, so that the last bits cannot shuffle rows.
  const auto before = [](const Row& a, const Row& b) {
    const auto rounded = [](double x) { return std::round(x * 1e6); };
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [&](double x, double y) { return rounded(x) < rounded(y); });
  };
  std::sort(actual.begin(), actual.end(), before);
  std::sort(expected.begin(), expected.end(), before);
  for (std::size_t row = 0; row < actual.size(); ++row)
    for (std::size_t column = 0; column < actual[row].size(); ++column)
      EXPECT_NEAR(actual[row][column], expected[row][column],
                  tolerance * std::max(1e-3, std::abs(expected[row][column])))
          << what << " row " << row << " column " << column;
}

template <class Items, class Function>
std::vector<Row> rows(const Items& items, Function function) {
  std::vector<Row> out;
  for (const auto& item : items) out.push_back(function(item));
  return out;
}

Row reversed_if(bool reverse, std::initializer_list<int> atoms, std::initializer_list<double> rest) {
  Row row(atoms.begin(), atoms.end());
  if (reverse) std::reverse(row.begin(), row.end());
  row.insert(row.end(), rest);
  return row;
}

}  // namespace

void expect_same_parameters(const MolecularSystem& actual, const MolecularSystem& expected, double tolerance) {
  const auto compare = [&](const char* what, auto member, auto function) {
    expect_same_rows(what, rows(actual.*member, function), rows(expected.*member, function), tolerance);
  };
  compare("atoms", &MolecularSystem::atoms, [](const Atom& a) { return Row{a.mass}; });
  compare("bonds", &MolecularSystem::bonds, [](const auto& b) { return reversed_if(b[0] > b[1], {b[0], b[1]}, {}); });
  compare("constraints", &MolecularSystem::constraints, [](const auto& c) {
    return reversed_if(c.i > c.j, {c.i, c.j}, {c.distance});
  });
  compare("harmonic bonds", &MolecularSystem::harmonic_bonds, [](const auto& b) {
    return reversed_if(b.i > b.j, {b.i, b.j}, {b.length, b.force_constant});
  });
  compare("harmonic angles", &MolecularSystem::harmonic_angles, [](const auto& a) {
    return reversed_if(a.i > a.k, {a.i, a.j, a.k}, {a.angle, a.force_constant});
  });
  compare("periodic torsions", &MolecularSystem::periodic_torsions, [](const auto& t) {
    return reversed_if(t.i > t.l, {t.i, t.j, t.k, t.l}, {double(t.periodicity), t.phase, t.force_constant});
  });
  ASSERT_EQ(actual.nonbonded.size(), expected.nonbonded.size());
  for (std::size_t i = 0; i < actual.nonbonded.size(); ++i) {
    EXPECT_NEAR(actual.nonbonded[i].charge, expected.nonbonded[i].charge, tolerance);
    EXPECT_NEAR(actual.nonbonded[i].sigma, expected.nonbonded[i].sigma, tolerance);
    EXPECT_NEAR(actual.nonbonded[i].epsilon, expected.nonbonded[i].epsilon, tolerance);
  }
  // Sigma is of no consequence, and arbitrary, where epsilon is 0.
  compare("exceptions", &MolecularSystem::exceptions, [](const auto& e) {
    return reversed_if(e.i > e.j, {e.i, e.j}, {e.charge_product, e.epsilon == 0 ? 0.0 : e.sigma, e.epsilon});
  });
  ASSERT_EQ(actual.cutoff.has_value(), expected.cutoff.has_value());
  if (actual.cutoff) {
    EXPECT_NEAR(actual.cutoff->distance, expected.cutoff->distance, tolerance);
    EXPECT_NEAR(actual.cutoff->reaction_field_dielectric, expected.cutoff->reaction_field_dielectric, tolerance);
  }
  ASSERT_EQ(actual.generalized_born.has_value(), expected.generalized_born.has_value());
  if (!actual.generalized_born) return;
  const GeneralizedBorn &a = *actual.generalized_born, &b = *expected.generalized_born;
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.particle_inside_term, b.particle_inside_term);
  for (const auto member : born_constants) EXPECT_NEAR(a.*member, b.*member, tolerance * std::abs(b.*member));
  EXPECT_EQ(a.cutoff.has_value(), b.cutoff.has_value());
  EXPECT_NEAR(a.cutoff.value_or(0), b.cutoff.value_or(0), tolerance);
  ASSERT_EQ(a.particles.size(), b.particles.size());
  for (std::size_t i = 0; i < a.particles.size(); ++i) {
    EXPECT_NEAR(a.particles[i].charge, b.particles[i].charge, tolerance);
    EXPECT_NEAR(a.particles[i].offset_radius, b.particles[i].offset_radius, tolerance);
    EXPECT_NEAR(a.particles[i].scaled_radius, b.particles[i].scaled_radius, tolerance);
  }
  ASSERT_EQ(a.coefficients.size(), b.coefficients.size());
  for (std::size_t i = 0; i < a.coefficients.size(); ++i) {
    EXPECT_NEAR(a.coefficients[i].alpha, b.coefficients[i].alpha, tolerance);
    EXPECT_NEAR(a.coefficients[i].beta, b.coefficients[i].beta, tolerance);
    EXPECT_NEAR(a.coefficients[i].gamma, b.coefficients[i].gamma, tolerance);
  }
  ASSERT_EQ(a.neck.has_value(), b.neck.has_value());
  if (!a.neck) return;
  EXPECT_NEAR(a.neck->scale, b.neck->scale, tolerance);
  EXPECT_NEAR(a.neck->cutoff, b.neck->cutoff, tolerance);
  for (std::size_t i = 0; i < a.particles.size(); ++i)
    for (std::size_t j = 0; j < a.particles.size(); ++j) {
      const auto entry = [&](const BornNeck& neck) {
        return neck.radius_index[i] * neck.n_radii + neck.radius_index[j];
      };
      EXPECT_NEAR(a.neck->height[entry(*a.neck)], b.neck->height[entry(*b.neck)], tolerance);
      EXPECT_NEAR(a.neck->distance[entry(*a.neck)], b.neck->distance[entry(*b.neck)], tolerance);
    }
}

}  // namespace boltzflow
