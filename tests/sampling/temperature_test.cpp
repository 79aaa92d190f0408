// SPDX-License-Identifier: MIT
// A molecule has the temperature it was told to have, in its velocities and in its positions. Errors come from the
// independent replicas; 5 of them are allowed (a false alarm of 6e-7 each), and the seed is fixed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <vector>

#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/molecule/npz.hpp"
#include "boltzflow/sampling/minimize_structure.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"

namespace boltzflow {
namespace {

constexpr double temperature = 350;
constexpr int n_replicas = 256, n_coordinates = 66, n_visits = 8;

/// Mean of one number a replica within 5 standard errors of `exact`; the error must be below `largest`.
void expect_mean(const std::vector<double>& values, double exact, double largest) {
  double mean = 0, square = 0;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) mean += v / n;
  for (const double v : values) square += (v - mean) * (v - mean);
  const double error = std::sqrt(square / (n * (n - 1)));
  EXPECT_LT(error, largest);
  EXPECT_NEAR(mean, exact, 5 * error);
}

/// sum_c d2U/dx_c^2 by central differences of the gradient.
double laplacian(const Potential& potential, const double* x) {
  constexpr double h = 1e-5;
  std::vector<double> positions, energy(2 * n_coordinates), gradient(2 * n_coordinates * n_coordinates);
  for (int c = 0; c < 2 * n_coordinates; ++c) {
    positions.insert(positions.end(), x, x + n_coordinates);
    positions[static_cast<std::size_t>(c * n_coordinates + c / 2)] += c % 2 == 0 ? h : -h;
  }
  potential.energy_and_gradient(positions, energy, gradient);
  double sum = 0;
  for (std::size_t c = 0; c < n_coordinates; ++c)
    sum += (gradient[2 * c * n_coordinates + c] - gradient[(2 * c + 1) * n_coordinates + c]) / (2 * h);
  return sum;
}

TEST(Temperature, VelocitiesAndPositionsOfAMoleculeHaveIt) {
  const MolecularSystem system = load_system("alanine-dipeptide");
  const auto potential = make_force_field(system);
  std::vector<double> masses;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);
  const ReplicaExchangeOptions options{.n_ladders = n_replicas,
                                       .n_temperatures = 1,
                                       .lowest_temperature = temperature,
                                       .friction = 10,
                                       .equilibration_steps = 2000,
                                       .steps = 200 * n_visits,
                                       .exchange_interval = 100,
                                       .frame_interval = 200,
                                       .seed = 41};
  ReplicaExchange sampler(*potential, masses, minimize_structure(system).positions, options);
  const auto path =
      std::filesystem::temp_directory_path() / ("boltzflow-velocities-" + std::to_string(::getpid()) + ".npz");

  // Twice the kinetic energy per degree of freedom, kJ/mol, of hydrogens and of heavier atoms; |grad U|^2 - RT lap U.
  std::vector<double> hydrogens(n_replicas), others(n_replicas), configurational(n_replicas);
  double laplacians = 0;
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    const std::vector<double> x(frame.positions.begin(), frame.positions.end());
    std::vector<double> energy(n_replicas), gradient(x.size());
    potential->energy_and_gradient(x, energy, gradient);
    for (std::size_t r = 0; r < n_replicas; ++r) {
      const double curvature = laplacian(*potential, x.data() + r * n_coordinates);
      laplacians += curvature / (n_replicas * n_visits);
      configurational[r] -= thermal_energy(temperature) * curvature / n_visits;
      for (std::size_t c = r * n_coordinates; c < (r + 1) * n_coordinates; ++c)
        configurational[r] += gradient[c] * gradient[c] / n_visits;
    }
  };
  observer.progress = [&](std::int64_t done, std::int64_t) {
    if (done <= options.equilibration_steps || done % 200 != 0) return;
    sampler.save(path);
    const NpyArray velocities = NpzReader(path).read("velocities");
    const std::vector<double> v = velocities.to_double();
    for (std::size_t k = 0; k < v.size(); ++k) {
      const std::size_t atom = k % n_coordinates / 3;
      const bool is_hydrogen = system.atoms[atom].element == "H";
      (is_hydrogen ? hydrogens : others)[k / n_coordinates] +=
          masses[atom] * v[k] * v[k] / (n_visits * (is_hydrogen ? 36 : 30));
    }
  };
  ASSERT_TRUE(sampler.run(observer));
  std::filesystem::remove(path);
  expect_mean(hydrogens, thermal_energy(temperature), 0.01 * thermal_energy(temperature));
  expect_mean(others, thermal_energy(temperature), 0.01 * thermal_energy(temperature));
  // Rugh, Phys. Rev. Lett. 78 (1997) 772: RT = <|grad U|^2> / <lap U>, taken here as a mean of zero.
  for (double& c : configurational) c /= laplacians;
  expect_mean(configurational, 0, 0.01 * thermal_energy(temperature));
  EXPECT_NEAR(sampler.result().kinetic_temperature[0], temperature, 0.03 * temperature);
}

}  // namespace
}  // namespace boltzflow
