// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/kernels/constraints.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/molecule/constrain_hydrogen_bonds.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/sampling/constraint_clusters.hpp"
#include "boltzflow/sampling/reference/constraints.hpp"

namespace boltzflow::sampling {
namespace {

/// Constrained atoms and a structure that meets the constraints.
struct Problem {
  std::vector<DistanceConstraint> constraints;
  std::vector<double> masses, positions;
  int n_coordinates() const { return static_cast<int>(positions.size()); }
};

Problem hydrogens_of_alanine() {
  MolecularSystem system = load_system("alanine-dipeptide");
  constrain_hydrogen_bonds(system);
  Problem problem{system.constraints, {}, {}};
  for (const Atom& atom : system.atoms) problem.masses.push_back(atom.mass);
  problem.positions =
      reference::project_positions(problem.constraints, problem.masses, system.positions, system.positions);
  return problem;
}

/// Strong coupling: a rigid water and, tied to nothing else, a chain whose angles are fixed too.
Problem water_and_rigid_chain() {
  Problem problem{{{0, 1, 0.0957}, {0, 2, 0.0957}, {1, 2, 0.1514}}, {16, 1, 1, 12, 12, 1, 14}, {}};
  for (const int i : {3, 4, 5}) problem.constraints.push_back({i, i + 1, 0.15});
  for (const int i : {3, 4}) problem.constraints.push_back({i, i + 2, 0.24});
  const std::vector<double> start{0, 0,    0, 0.1, 0,   0,    -0.02, 0.09, 0,    1,   1,
                                  1, 1.15, 1, 1,   1.2, 1.14, 1,     1.35, 1.15, 1.02};
  problem.positions = reference::project_positions(problem.constraints, problem.masses, start, start);
  return problem;
}

class Constraints : public ::testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (GetParam() > best_instruction_set()) GTEST_SKIP() << "this CPU lacks " << name_of(GetParam());
    force_instruction_set(GetParam());
    advance = for_this_cpu(&baseline::advance_constrained_replicas, &avx2::advance_constrained_replicas,
                           &avx512::advance_constrained_replicas);
    draw = for_this_cpu(&baseline::draw_normals, &avx2::draw_normals, &avx512::draw_normals);
    move = for_this_cpu(&baseline::project_positions, &avx2::project_positions, &avx512::project_positions);
    slow = for_this_cpu(&baseline::project_velocities, &avx2::project_velocities, &avx512::project_velocities);
  }
  void TearDown() override { force_instruction_set(best_instruction_set()); }
  decltype(&baseline::advance_constrained_replicas) advance = nullptr;
  decltype(&baseline::draw_normals) draw = nullptr;
  decltype(&baseline::project_positions) move = nullptr;
  decltype(&baseline::project_velocities) slow = nullptr;
};

/// `n_replicas` copies of `values` with normal noise.
std::vector<float> scattered(const std::vector<double>& values, int n_replicas, double width, RandomStream& random) {
  std::vector<float> out;
  for (int r = 0; r < n_replicas; ++r)
    for (const double x : values) out.push_back(static_cast<float>(x + width * random.normal()));
  return out;
}

std::vector<double> replica(const std::vector<float>& values, int r, int n) {
  return {values.begin() + r * n, values.begin() + (r + 1) * n};
}

TEST_P(Constraints, ProjectionsAreThoseOfTheReference) {
  for (const Problem& problem : {hydrogens_of_alanine(), water_and_rigid_chain()}) {
    const ConstraintClusters clusters(problem.constraints, problem.masses);
    const int n = problem.n_coordinates();
    for (const int n_replicas : {1, 7, 16, 37}) {
      RandomStream random(5, static_cast<std::uint64_t>(n_replicas));
      AlignedBuffer<float> scratch(static_cast<std::size_t>(constraint_scratch(n)));
      const auto start = scattered(problem.positions, n_replicas, 0, random);
      // 0.004 nm is what a hydrogen moves within 1 fs at 1000 K.
      auto positions = scattered(problem.positions, n_replicas, 0.004, random);
      auto velocities = scattered(std::vector<double>(static_cast<std::size_t>(n)), n_replicas, 2, random);
      const auto moved_from = positions, slowed_from = velocities;
      ASSERT_TRUE(move(clusters.table(), n, n_replicas, start.data(), positions.data(), scratch.data()));
      ASSERT_TRUE(slow(clusters.table(), n, n_replicas, start.data(), velocities.data(), scratch.data()));
      for (int r = 0; r < n_replicas; ++r) {
        const auto x = reference::project_positions(problem.constraints, problem.masses, replica(start, r, n),
                                                    replica(moved_from, r, n));
        const auto v = reference::project_velocities(problem.constraints, problem.masses, replica(start, r, n),
                                                     replica(slowed_from, r, n));
        for (int c = 0; c < n; ++c) {
          // 5e-7 of 0.24 nm, more where the coupling is strong, and the rounding of coordinates of up to 1.4 nm
          ASSERT_NEAR(positions[r * n + c], x[c], 1e-6) << n_replicas << " " << r << " " << c;
          ASSERT_NEAR(velocities[r * n + c], v[c], 5e-5);
        }
      }
    }
  }
}

TEST_P(Constraints, StepIsTheConstrainedMiddleScheme) {
  const Problem problem = hydrogens_of_alanine();
  const ConstraintClusters clusters(problem.constraints, problem.masses);
  const int n = problem.n_coordinates(), n_replicas = 21;
  constexpr double dt = 0.002, decay = 0.9;
  RandomStream random(6);
  std::vector<float> inverse_mass, root, scale;
  for (int c = 0; c < n; ++c) {
    inverse_mass.push_back(static_cast<float>(1 / problem.masses[c / 3]));
    root.push_back(std::sqrt(inverse_mass.back()));
  }
  for (int r = 0; r < n_replicas; ++r) scale.push_back(static_cast<float>(random.uniform()));
  const auto x = scattered(problem.positions, n_replicas, 0, random);
  const std::vector<double> zero(static_cast<std::size_t>(n));
  const auto v = scattered(zero, n_replicas, 1, random), g = scattered(zero, n_replicas, 500, random);
  const LangevinStep step{n, inverse_mass.data(), root.data(), static_cast<float>(dt), static_cast<float>(decay), 3,
                          77};
  AlignedBuffer<float> scratch(static_cast<std::size_t>(constraint_scratch(n)));
  std::vector<float> noise(x.size());
  draw(step, 2, n_replicas, noise.data(), scratch.data());
  auto new_x = x, new_v = v;
  ASSERT_TRUE(advance(step, clusters.table(), 2, n_replicas, scale.data(), g.data(), new_x.data(), new_v.data(),
                      scratch.data()));
  for (int r = 0; r < n_replicas; ++r) {
    const auto start = replica(x, r, n);
    auto velocity = replica(v, r, n), position = start;
    for (int c = 0; c < n; ++c) velocity[c] -= dt * g[r * n + c] / problem.masses[c / 3];
    velocity = reference::project_velocities(problem.constraints, problem.masses, start, velocity);
    for (int c = 0; c < n; ++c) {
      position[c] += 0.5 * dt * velocity[c];
      velocity[c] = decay * velocity[c] + scale[r] / std::sqrt(problem.masses[c / 3]) * noise[r * n + c];
      position[c] += 0.5 * dt * velocity[c];
    }
    const auto met = reference::project_positions(problem.constraints, problem.masses, start, position);
    for (int c = 0; c < n; ++c) {
      ASSERT_NEAR(new_x[r * n + c], met[c], 3e-7);
      // A distance off by 5e-8 nm is a velocity off by 2.5e-5 nm/ps.
      ASSERT_NEAR(new_v[r * n + c], velocity[c] + (met[c] - position[c]) / dt, 1e-4);
    }
  }
}

TEST_P(Constraints, ImpossibleOnesAreReported) {
  const std::vector<double> masses{1, 1, 1};
  const ConstraintClusters clusters(std::vector<DistanceConstraint>{{0, 1, 0.1}, {1, 2, 0.1}, {0, 2, 0.3}}, masses);
  std::vector<float> x{0, 0, 0, 0.1f, 0, 0, 0.2f, 0.01f, 0};
  const auto start = x;
  AlignedBuffer<float> scratch(static_cast<std::size_t>(constraint_scratch(9)));
  EXPECT_FALSE(move(clusters.table(), 9, 1, start.data(), x.data(), scratch.data()));
  x[4] = std::nanf("");
  EXPECT_FALSE(move(clusters.table(), 9, 1, start.data(), x.data(), scratch.data()));
}

INSTANTIATE_TEST_SUITE_P(All, Constraints,
                         ::testing::Values(InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512),
                         [](const auto& info) { return name_of(info.param); });

TEST(ConstraintClusters, SortsRowsByClusterAndRefusesNonsense) {
  const std::vector<double> masses(6, 1.0);
  const ConstraintClusters clusters(std::vector<DistanceConstraint>{{0, 1, 1}, {4, 5, 1}, {3, 1, 1}, {2, 3, 1}},
                                    masses);
  const ConstraintTable table = clusters.table();
  ASSERT_EQ(table.n_clusters, 2);
  EXPECT_EQ(table.first_row_of_cluster[1], 3);
  EXPECT_EQ(table.rows[3].i, 4);
  const auto refused = [&](const DistanceConstraint& a, const DistanceConstraint& b) {
    EXPECT_THROW(ConstraintClusters(std::vector{a, b}, masses), InputError);
  };
  refused({0, 1, 1}, {1, 0, 1});
  refused({0, 1, 1}, {2, 2, 1});
  refused({0, 1, 1}, {2, 6, 1});
  refused({0, 1, 1}, {2, 3, 0});
  refused({0, 1, 1}, {2, 3, std::nan("")});
}

TEST(ConstrainHydrogenBonds, TakesTheLengthsOfTheForceField) {
  MolecularSystem system = load_system("alanine-dipeptide");
  const std::size_t n_bonds = system.harmonic_bonds.size();
  constrain_hydrogen_bonds(system);
  EXPECT_EQ(system.constraints.size(), 12u);
  EXPECT_EQ(system.harmonic_bonds.size() + 12, n_bonds);
  for (const DistanceConstraint& c : system.constraints)
    EXPECT_TRUE(c.distance == 0.109 || c.distance == 0.101) << c.distance;
  constrain_hydrogen_bonds(system);
  EXPECT_EQ(system.constraints.size(), 12u);
}

}  // namespace
}  // namespace boltzflow::sampling
