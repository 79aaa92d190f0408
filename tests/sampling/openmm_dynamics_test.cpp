// SPDX-License-Identifier: MIT
// The same dynamics as OpenMM's: replicas that start alike spread alike. Populations and energies of the same stretch
// of time are compared within 5 standard errors, taken from independent replicas on both sides (false alarm with
// OpenMM's 15 degrees of freedom: 2e-4 each). Both sides are seeded.
#include "sampling/openmm_dynamics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/constrain_hydrogen_bonds.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/sampling/minimize_structure.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"

namespace boltzflow {
namespace {

constexpr double temperature = 600, friction = 5;
constexpr int equilibration = 1000, steps = 3000, interval = 50, n_theirs = 16, n_ours = 256;

double torsion(const double* x, const std::array<int, 4>& atoms) {
  double b[3][3];
  for (int k = 0; k < 3; ++k)
    for (int d = 0; d < 3; ++d) b[k][d] = x[3 * atoms[k + 1] + d] - x[3 * atoms[k] + d];
  const auto cross = [](const double* u, const double* v, double* w) {
    for (int d = 0; d < 3; ++d) w[d] = u[(d + 1) % 3] * v[(d + 2) % 3] - u[(d + 2) % 3] * v[(d + 1) % 3];
  };
  const auto dot = [](const double* u, const double* v) { return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]; };
  double m[3], n[3];
  cross(b[0], b[1], m);
  cross(b[1], b[2], n);
  return std::atan2(std::sqrt(dot(b[1], b[1])) * dot(b[0], n), dot(m, n));
}

/// Averages over time of one replica.
struct Averages {
  double energy = 0, beta = 0, alpha = 0, cosine = 0;
  void add(const MolecularSystem& system, const double* x, double potential_energy) {
    constexpr double share = static_cast<double>(interval) / steps;
    const double phi = torsion(x, system.phi[0]), psi = torsion(x, system.psi[0]);
    energy += share * potential_energy;
    beta += share * (std::abs(psi) > 2 * pi / 3);
    alpha += share * (std::abs(psi) < pi / 3);
    cosine += share * std::cos(phi);
  }
};

void expect_equal(const std::vector<Averages>& ours, const std::vector<Averages>& theirs, double Averages::*field,
                  const char* name, double largest_error) {
  const auto estimate = [&](const std::vector<Averages>& replicas) {
    double mean = 0, square = 0;
    const auto n = static_cast<double>(replicas.size());
    for (const Averages& a : replicas) mean += a.*field / n;
    for (const Averages& a : replicas) square += std::pow(a.*field - mean, 2);
    return std::pair{mean, square / (n * (n - 1))};
  };
  const auto [our_mean, our_variance] = estimate(ours);
  const auto [their_mean, their_variance] = estimate(theirs);
  const double error = std::sqrt(our_variance + their_variance);
  EXPECT_LT(error, largest_error) << name;
  EXPECT_NEAR(our_mean, their_mean, 5 * error) << name;
}

void compare_dynamics(bool constrained, double time_step) {
  const std::string path = std::string(OPENMM_SYSTEMS) + "/ala_obc1";
  MolecularSystem system = read_openmm_system(path + ".xml", path + ".pdb");
  if (constrained) constrain_hydrogen_bonds(system);
  const std::vector<double> start = minimize_structure(system).positions;
  std::vector<double> masses;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);

  std::vector<Averages> ours(n_ours), theirs(n_theirs);
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    const std::vector<double> x(frame.positions.begin(), frame.positions.end());
    for (std::size_t r = 0; r < ours.size(); ++r) ours[r].add(system, x.data() + 66 * r, frame.energy[r]);
  };
  sample_by_replica_exchange(*make_force_field(system), masses, start,
                             {.n_ladders = n_ours,
                              .n_temperatures = 1,
                              .lowest_temperature = temperature,
                              .time_step = time_step,
                              .friction = friction,
                              .equilibration_steps = equilibration,
                              .steps = steps,
                              .exchange_interval = interval,
                              .frame_interval = interval,
                              .seed = 31,
                              .constraints = system.constraints},
                             observer);
  testing::OpenMMDynamics peer(path + ".xml", {.temperature = temperature,
                                               .friction = friction,
                                               .time_step = time_step,
                                               .seed = 7,
                                               .constraints = system.constraints});
  for (int r = 0; r < n_theirs; ++r) {
    peer.start(start, 100 + r);
    peer.run(equilibration);
    for (int done = 0; done < steps; done += interval) {
      peer.run(interval);
      theirs[r].add(system, peer.positions().data(), peer.energy());
    }
  }
  expect_equal(ours, theirs, &Averages::energy, "energy", 2.5);  // of 150 above the minimum, kJ/mol
  expect_equal(ours, theirs, &Averages::beta, "population of |psi| > 120 degrees", 0.09);
  expect_equal(ours, theirs, &Averages::alpha, "population of |psi| < 60 degrees", 0.09);
  expect_equal(ours, theirs, &Averages::cosine, "cos phi", 0.09);
}

TEST(OpenMMDynamics, FreeReplicasSpreadLikeOpenMMs) { compare_dynamics(false, 0.001); }

TEST(OpenMMDynamics, ReplicasWithFixedHydrogensSpreadLikeOpenMMs) { compare_dynamics(true, 0.002); }

}  // namespace
}  // namespace boltzflow
