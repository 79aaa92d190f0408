// SPDX-License-Identifier: MIT
// The SIMD force field against its reference, on every instruction set of this CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/generalized_born_models.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Every kind of term at random: periodicities to 6, arbitrary phases, several torsions on a quadruple in both
/// directions, exceptions, no Lennard-Jones on some atoms.
MolecularSystem random_system(int n_atoms, bool with_nonbonded, const char* born_model, std::uint64_t seed) {
  RandomStream random(seed);
  const auto between = [&](double low, double high) { return low + (high - low) * random.uniform(); };
  MolecularSystem system;
  system.name = "random";
  for (int i = 0; i < n_atoms; ++i)
    system.atoms.push_back({.name = "C", .element = "C", .residue_name = "X", .mass = 12});
  for (int i = 0; i + 1 < n_atoms; ++i)
    system.harmonic_bonds.push_back({i, i + 1, between(0.09, 0.16), between(1e5, 4e5)});
  for (int i = 0; i + 2 < n_atoms; ++i)
    system.harmonic_angles.push_back({i, i + 1, i + 2, between(1.6, 2.2), between(200, 600)});
  for (int i = 0; i + 3 < n_atoms; ++i) {
    for (int t = 0; t < 3; ++t)
      system.periodic_torsions.push_back(
          {i, i + 1, i + 2, i + 3, 1 + static_cast<int>(random.below(6)), between(-3, 3), between(-10, 10)});
    system.periodic_torsions.push_back(
        {i + 3, i + 2, i + 1, i, 1 + static_cast<int>(random.below(6)), between(-3, 3), between(0, 10)});
  }
  if (with_nonbonded) {
    for (int i = 0; i < n_atoms; ++i)
      system.nonbonded.push_back({between(-0.6, 0.6), between(0.1, 0.35), i % 5 == 0 ? 0 : between(0.05, 0.9)});
    for (int i = 0; i + 1 < n_atoms; ++i) system.exceptions.push_back({i, i + 1, 0, 0.1, 0});
    for (int i = 0; i + 2 < n_atoms; ++i) system.exceptions.push_back({i + 2, i, 0, 0.1, 0});
    for (int i = 0; i + 3 < n_atoms; ++i)
      system.exceptions.push_back({i, i + 3, between(-0.3, 0.3), 0.3, between(0.02, 0.4)});
  }
  if (const std::string model = born_model; !model.empty()) {
    GeneralizedBorn born = generalized_born_model(model);
    born.particle_inside_term = model == "OBC2";
    std::vector<double> radii;
    for (int i = 0; i < n_atoms; ++i) {
      const double offset_radius = between(0.11, 0.17);
      const double scale = model == "GBn2" ? between(-0.7, 1.4) : between(0.7, 1.2);
      born.particles.push_back({between(-0.6, 0.6), offset_radius, i % 7 == 3 ? 0 : offset_radius * scale});
      radii.push_back(offset_radius + born.offset);
      if (model == "GBn2") born.coefficients.push_back(gbn2_coefficients(i % 2 == 0 ? "C" : "H"));
    }
    if (model == "GBn" || model == "GBn2") born.neck = born_neck(radii, model == "GBn" ? 0.361825 : 0.826836);
    system.generalized_born = born;
  }
  return system;
}

/// A chain with bonds of about 0.13 nm, and random conformations of it; clashes happen.
std::vector<double> random_positions(int n_atoms, std::size_t n_samples, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> positions;
  for (std::size_t s = 0; s < n_samples; ++s) {
    double x[3] = {0, 0, 0};
    for (int i = 0; i < n_atoms; ++i) {
      for (double& c : x) {
        c += 0.09 * random.normal();
        positions.push_back(static_cast<float>(c));
      }
    }
  }
  return positions;
}

struct Case {
  const char* name;
  int n_atoms;
  bool with_nonbonded;
  const char* born_model;
  double cutoff = 0;  ///< nm, a little more for Born; 0: none
};

class ForceField : public ::testing::TestWithParam<std::tuple<Case, InstructionSet>> {
 protected:
  void SetUp() override {
    if (std::get<1>(GetParam()) > best_instruction_set())
      GTEST_SKIP() << "this CPU lacks " << name_of(std::get<1>(GetParam()));
    const Case& c = std::get<0>(GetParam());
    system = random_system(c.n_atoms, c.with_nonbonded, c.born_model, 3);
    if (c.cutoff > 0) {
      system.cutoff = {c.cutoff, 5.0};
      if (system.generalized_born) system.generalized_born->cutoff = c.cutoff + 0.05;
    }
    force_instruction_set(std::get<1>(GetParam()));
    simd = make_force_field(system);
    reference = make_reference_force_field(system);
  }
  void TearDown() override { force_instruction_set(best_instruction_set()); }
  MolecularSystem system;
  std::unique_ptr<Potential> simd, reference;
};

TEST_P(ForceField, EqualsTheReferenceOnRandomConformations) {
  for (const std::size_t n_samples : {1u, 3u, 16u, 37u, 400u}) {
    const auto x = random_positions(system.n_atoms(), n_samples, n_samples);
    std::vector<double> energy(n_samples), expected(n_samples), energy_alone(n_samples), gradient(x.size()),
        expected_gradient(x.size());
    simd->energy_and_gradient(std::span<const double>(x), energy, gradient);
    simd->energy(std::span<const double>(x), energy_alone);
    reference->energy_and_gradient(std::span<const double>(x), expected, expected_gradient);
    const std::vector<float> narrow(x.begin(), x.end());
    std::vector<double> narrow_energy(n_samples), narrow_energy_alone(n_samples);
    std::vector<float> narrow_gradient(x.size());
    simd->energy_and_gradient(std::span<const float>(narrow), narrow_energy, narrow_gradient);
    simd->energy(std::span<const float>(narrow), narrow_energy_alone);
    std::vector<double> terms(7 * n_samples), expected_terms(7 * n_samples);
    simd->energy_terms(x, terms);
    reference->energy_terms(x, expected_terms);
    for (std::size_t s = 0; s < n_samples; ++s) {
      // Without a tanh, overlapping atoms can have negative Born radii and then no energy.
      if (system.generalized_born && system.generalized_born->model == "HCT" && std::isnan(expected[s])) {
        EXPECT_TRUE(std::isnan(energy[s]) && std::isnan(energy_alone[s]) && std::isnan(narrow_energy[s]));
        continue;
      }
      double size = 0, term_sum = 0;  // rounding is relative to what was added up
      for (std::size_t t = 7 * s; t < 7 * s + 7; ++t) {
        size += std::abs(expected_terms[t]);
        term_sum += terms[t];
        EXPECT_NEAR(terms[t], expected_terms[t], 1e-11 * std::abs(expected_terms[t]) + 1e-8);
      }
      EXPECT_NEAR(energy[s], expected[s], 1e-12 * size + 1e-9);
      EXPECT_NEAR(energy_alone[s], energy[s], 1e-12 * size + 1e-9);
      EXPECT_NEAR(term_sum, energy[s], 1e-12 * size + 1e-9);
      EXPECT_NEAR(narrow_energy[s], expected[s], 3e-5 * size + 1e-4);
      EXPECT_NEAR(narrow_energy_alone[s], expected[s], 3e-5 * size + 1e-4);
      double norm = 0, difference = 0, narrow_difference = 0;
      for (std::size_t c = s * x.size() / n_samples; c < (s + 1) * x.size() / n_samples; ++c) {
        norm += expected_gradient[c] * expected_gradient[c];
        difference += std::pow(gradient[c] - expected_gradient[c], 2);
        narrow_difference += std::pow(narrow_gradient[c] - expected_gradient[c], 2);
      }
      EXPECT_LE(std::sqrt(difference), 1e-9 * std::sqrt(norm) + 1e-9);
      EXPECT_LE(std::sqrt(narrow_difference), 2e-3 * std::sqrt(norm) + 1e-2);  // float32 near straight angles
    }
  }
}

// Central differences with h = 1e-6 nm are good to h^2 U''' and 1e-16 U/h; the reference is tested so, and SIMD against
// it.
TEST_P(ForceField, GradientIsTheDerivative) {
  auto x = random_positions(system.n_atoms(), 1, 21);
  std::vector<double> gradient(x.size());
  double energy = 0;
  for (const Potential* potential : {simd.get(), reference.get()}) {
    potential->energy_and_gradient(std::span<const double>(x), {&energy, 1}, gradient);
    double largest = 1;
    for (const double g : gradient) largest = std::max(largest, std::abs(g));
    for (std::size_t c = 0; c < x.size(); ++c) {
      const double h = 1e-6, at = x[c];
      double up = 0, down = 0;
      x[c] = at + h;
      potential->energy(std::span<const double>(x), {&up, 1});
      x[c] = at - h;
      potential->energy(std::span<const double>(x), {&down, 1});
      x[c] = at;
      EXPECT_NEAR((up - down) / (2 * h), gradient[c], 1e-6 * largest)
          << potential->description() << " coordinate " << c;
    }
  }
}

// Coincident, collinear, far apart, not finite: no trap, neighbours in the batch untouched, float32 finite where
// positions are.
TEST_P(ForceField, SurvivesDegenerateConformations) {
  const std::size_t n_coordinates = 3 * system.atoms.size();
  const auto good = random_positions(system.n_atoms(), 1, 8);
  std::vector<float> x;
  const auto add = [&](auto&& coordinate) {
    for (std::size_t c = 0; c < n_coordinates; ++c) x.push_back(static_cast<float>(coordinate(c)));
  };
  add([&](std::size_t c) { return good[c]; });
  add([](std::size_t) { return 0.0; });                                     // all atoms in one point
  add([](std::size_t c) { return c % 3 == 0 ? 0.1 * double(c / 3) : 0; });  // a straight line
  add([](std::size_t c) { return c % 3 == 0 ? 1e-6 * double(c / 3) : 0; });
  add([](std::size_t c) { return 1e4 * double(c); });
  add([](std::size_t c) { return 1e-20 * double(c * c); });
  const std::size_t n_finite = x.size() / n_coordinates;
  add([](std::size_t c) { return c == 0 ? std::nan("") : 0.1 * double(c); });
  add([](std::size_t c) { return c == 1 ? infinity : 0.1 * double(c); });
  add([&](std::size_t c) { return good[c]; });
  const std::size_t n_samples = x.size() / n_coordinates;
  std::vector<double> energy(n_samples), wide_energy(n_samples), wide_gradient(x.size());
  std::vector<float> gradient(x.size());
  simd->energy_and_gradient(std::span<const float>(x), energy, gradient);
  const std::vector<double> wide(x.begin(), x.end());
  simd->energy_and_gradient(std::span<const double>(wide), wide_energy, wide_gradient);
  for (std::size_t s = 0; s < n_finite; ++s) {
    EXPECT_TRUE(std::isfinite(energy[s])) << s;
    for (std::size_t c = 0; c < n_coordinates; ++c)
      EXPECT_TRUE(std::isfinite(gradient[s * n_coordinates + c])) << s << " " << c;
  }
  if (system.n_atoms() > 1) {  // one atom has no energy wherever it is
    EXPECT_FALSE(std::isfinite(energy[n_finite]));
    EXPECT_FALSE(std::isfinite(energy[n_finite + 1]));
    EXPECT_FALSE(std::isfinite(wide_energy[n_finite]));
  }
  EXPECT_EQ(energy.front(), energy.back());
  EXPECT_EQ(wide_energy.front(), wide_energy.back());
}

constexpr Case cases[] = {{"one_atom", 1, true, "OBC1"},
                          {"two_atoms", 2, true, "OBC2"},
                          {"three_atoms_bonded", 3, false, ""},
                          {"bonded", 12, false, ""},
                          {"vacuum", 20, true, ""},
                          {"obc1", 22, true, "OBC1"},
                          {"obc2", 22, true, "OBC2"},
                          {"born_alone", 9, false, "OBC1"},
                          {"hct", 22, true, "HCT"},
                          {"gbn", 22, true, "GBn"},
                          {"gbn2", 22, true, "GBn2"},
                          {"vacuum_cutoff", 20, true, "", 0.5},
                          {"obc2_cutoff", 22, true, "OBC2", 0.5},
                          {"gbn2_cutoff", 22, true, "GBn2", 0.5}};
INSTANTIATE_TEST_SUITE_P(Systems, ForceField,
                         ::testing::Combine(::testing::ValuesIn(cases),
                                            ::testing::Values(InstructionSet::baseline, InstructionSet::avx2,
                                                              InstructionSet::avx512)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" + name_of(std::get<1>(info.param));
                         });

TEST(ForceFieldThreads, ResultsDoNotDependOnTheNumberOfThreads) {
  const auto system = random_system(22, true, "OBC1", 3);
  const auto potential = make_force_field(system);
  const auto x = random_positions(22, 333, 2);
  std::vector<double> one(333), three(333);
  set_thread_count(1);
  potential->energy(std::span<const double>(x), one);
  set_thread_count(3);
  potential->energy(std::span<const double>(x), three);
  set_thread_count(0);
  EXPECT_EQ(one, three);
}

TEST(ForceFieldInput, WrongSizesAndSystemsAreNamed) {
  const auto potential = make_force_field(random_system(4, true, "", 3));
  std::vector<double> x(24), energy(2), gradient(24), terms(14);
  potential->energy(std::span<const double>(x), energy);
  EXPECT_THROW(potential->energy(std::span<const double>(x).first(23), energy), InputError);
  EXPECT_THROW(potential->energy_and_gradient(std::span<const double>(x), energy, std::span(gradient).first(12)),
               InputError);
  EXPECT_THROW(potential->energy_and_gradient(std::span<const double>(x), energy, std::span<double>{}), InputError);
  EXPECT_THROW(potential->energy_terms(x, std::span(terms).first(13)), InputError);
  potential->energy(std::span<const double>{}, std::span<double>{});

  const auto refused = [](auto&& change) {
    auto system = random_system(5, true, "OBC1", 3);
    change(system);
    EXPECT_THROW(make_force_field(system), InputError);
    EXPECT_THROW(make_reference_force_field(system), InputError);
  };
  refused([](auto& s) { s.atoms.clear(); });
  refused([](auto& s) { s.harmonic_bonds[0].j = 5; });
  refused([](auto& s) { s.harmonic_angles[0].k = s.harmonic_angles[0].i; });
  refused([](auto& s) { s.periodic_torsions[0].periodicity = 7; });
  refused([](auto& s) { s.periodic_torsions[0].phase = infinity; });
  refused([](auto& s) { s.nonbonded.pop_back(); });
  refused([](auto& s) { s.generalized_born->particles.pop_back(); });
  refused([](auto& s) { s.generalized_born->particles[0].offset_radius = 0; });
  refused([](auto& s) { s.generalized_born->cutoff = 0; });
  refused([](auto& s) { s.generalized_born->coefficients.resize(4); });
  refused([](auto& s) { s.generalized_born->neck = BornNeck{1, 0.68, 1, {1}, {1}, {0, 0, 0, 0, 1}}; });
  refused([](auto& s) { s.generalized_born->neck = BornNeck{1, 0.68, 2, {1}, {1}, {0, 0, 0, 0, 0}}; });
  refused([](auto& s) { s.cutoff = NonbondedCutoff{-1}; });
  refused([](auto& s) { s.cutoff = NonbondedCutoff{1, 0}; });
}

TEST(ForceFieldDescription, NamesTheTermsAndTheModel) {
  const auto potential = make_force_field(load_system("alanine-dipeptide"));
  EXPECT_NE(potential->description().find("22 atoms, 21 bonds, 36 angles"), std::string::npos)
      << potential->description();
  EXPECT_NE(potential->description().find("OBC1"), std::string::npos);
  EXPECT_EQ(potential->term_names().size(), 7u);
}

}  // namespace
}  // namespace boltzflow
