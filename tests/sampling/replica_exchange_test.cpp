// SPDX-License-Identifier: MIT
// Do the dynamics sample the Boltzmann distribution? Every statistical test
// compares with an exact value, takes its standard error from independent
// ladders, and allows 5 standard errors: a false alarm of 6e-7 for each
// comparison. Seeds are fixed, so a test that passes goes on passing.
#include "boltzflow/sampling/replica_exchange.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "sampling/analytic_potential.hpp"
#include "sampling/replica_exchange_cases.hpp"

namespace boltzflow {
namespace {

struct Estimate {
  double mean, standard_error;
};

/// Mean over frames and coordinates of a function of a coordinate at the lowest
/// temperature; error from the ladders.
Estimate average(const Potential& potential, const ReplicaExchangeOptions& options, double mass, double start,
                 const std::function<double(double)>& function, ReplicaExchangeResult* result = nullptr) {
  const std::size_t n_coordinates = 3 * static_cast<std::size_t>(potential.n_atoms());
  std::vector<double> sums(static_cast<std::size_t>(options.n_ladders));
  std::size_t n_frames = 0;
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    ++n_frames;
    for (std::size_t c = 0; c < frame.positions.size(); ++c) sums[c / n_coordinates] += function(frame.positions[c]);
  };
  const auto outcome =
      sample_by_replica_exchange(potential, std::vector<double>(static_cast<std::size_t>(potential.n_atoms()), mass),
                                 std::vector<double>(n_coordinates, start), options, observer);
  if (result != nullptr) *result = outcome;
  double mean = 0, square = 0;
  for (double& s : sums) {
    s /= static_cast<double>(n_frames * n_coordinates);
    mean += s / static_cast<double>(sums.size());
  }
  for (const double s : sums) square += (s - mean) * (s - mean);
  const auto n = static_cast<double>(sums.size());
  return {mean, std::sqrt(square / (n * (n - 1)))};
}

void expect_within_five_errors(const Estimate& estimate, double exact) {
  EXPECT_NEAR(estimate.mean, exact, 5 * estimate.standard_error);
}

// BAOAB samples a harmonic oscillator's positions exactly at every stable time
// step: omega dt = 1.2 here, of at most 2. The mid-step velocities are exact as
// well (equipartition).
TEST(LangevinDynamics, HarmonicOscillatorHasItsVarianceAtALargeTimeStep) {
  const double k = 1000, mass = 10, temperature = 350;
  auto options = testing::in_fixed_space(64, temperature, 0.12, 9);
  options.friction = 2;
  options.equilibration_steps = 500;
  options.exchange_interval = options.frame_interval = 5;
  ReplicaExchangeResult result;
  const auto variance = average(
      testing::harmonic(4, k), options, mass, 0.1, [](double x) { return x * x; }, &result);
  EXPECT_LT(variance.standard_error, 0.01 * variance.mean);
  expect_within_five_errors(variance, thermal_energy(temperature) / k);
  // 64 ladders x 12 coordinates x 4000 measurements, a correlation of less than
  // 10 measurements: error below 0.1 %; 5 of them.
  EXPECT_NEAR(result.kinetic_temperature[0], temperature, 0.005 * temperature);
}

/// <f> under exp(-U/RT) by the trapezoidal rule on [-2, 2].
double quadrature(const testing::SeparablePotential& one, double temperature,
                  const std::function<double(double)>& function) {
  double weight = 0, sum = 0;
  for (int i = -4000; i <= 4000; ++i) {
    const double x = i / 2000.0;
    double e = 0;
    const double at[3] = {x, 0, 0};
    one.energy(std::span<const double>(at), {&e, 1});
    const double w = std::exp(-e / thermal_energy(temperature));
    weight += w;
    sum += w * function(x);
  }
  return sum / weight;
}

/// A tilted double well, barrier about 6 RT at 300 K.
testing::SeparablePotential double_well() {
  return {1, [](double x) {
            const double w = x * x - 1;
            return testing::SeparablePotential::Value{15 * w * w + 1.5 * x, 60 * x * w + 1.5};
          }};
}

TEST(LangevinDynamics, DoubleWellAgreesWithQuadrature) {
  const auto options = testing::in_fixed_space(256, 600, 0.01, 10);
  const auto right = [](double x) { return x > 0 ? 1.0 : 0.0; };
  const auto well = double_well();
  const auto population = average(well, options, 10, -1, right);
  EXPECT_LT(population.standard_error, 0.02);
  expect_within_five_errors(population, quadrature(well, 600, right));
  const auto square = [](double x) { return x * x; };
  expect_within_five_errors(average(well, options, 10, -1, square), quadrature(well, 600, square));
}

// Every coordinate starts in the wrong well, from which 300 K alone does not
// come out in the time given.
TEST(ReplicaExchange, DoubleWellAtTheLowestRungAgreesWithQuadrature) {
  auto options = testing::in_fixed_space(64, 200, 0.01, 12);
  options.n_temperatures = 6;
  options.highest_temperature = 1500;
  const auto right = [](double x) { return x > 0 ? 1.0 : 0.0; };
  const auto well = double_well();
  const double exact = quadrature(well, 200, right);
  const auto population = average(well, options, 10, 1, right);
  EXPECT_LT(population.standard_error, 0.02);
  expect_within_five_errors(population, exact);

  options.n_temperatures = 1;
  options.equilibration_steps = 0;
  options.steps = 2000;
  const auto trapped = average(well, options, 10, 1, right);
  EXPECT_GT(trapped.mean, exact + 0.3) << "the barrier is no barrier, so the test above shows nothing";
}

// Detailed balance of the exchange on a Gaussian: U of d coordinates is gamma
// distributed, so the mean energy of every rung is d/2 RT, and the acceptance
// of neighbours is P(chi) of two independent gamma variables, integrated here
// numerically.
TEST(ReplicaExchange, GaussianRungsKeepTheirEnergiesAndAcceptTheExactFraction) {
  const int n_atoms = 4, d = 3 * n_atoms;
  auto options = testing::in_fixed_space(128, 300, 0.03, 13);
  options.n_temperatures = 4;
  options.highest_temperature = 1200;
  options.friction = 10;
  options.equilibration_steps = 2000;
  options.steps = 40'000;
  ReplicaExchangeResult result;
  expect_within_five_errors(
      average(
          testing::harmonic(n_atoms, 1000), options, 10, 0, [](double x) { return x * x; }, &result),
      thermal_energy(300) / 1000);
  ASSERT_EQ(result.acceptance.size(), 3u);
  // u = U/RT is Gamma(d/2); the ratio of an exchange between T and c T is
  // exp((1 - 1/c)(u_a - c u_b)).
  const double c = std::cbrt(4.0), shape = 0.5 * d, h = 0.05;
  double exact = 0;
  for (double a = h / 2; a < 40; a += h) {
    for (double b = h / 2; b < 40; b += h) {
      const double log_density = (shape - 1) * std::log(a * b) - a - b - 2 * std::lgamma(shape);
      exact += h * h * std::exp(log_density + std::min(0.0, (1 - 1 / c) * (a - c * b)));
    }
  }
  for (std::size_t k = 0; k < 4; ++k) {
    // 128 x 2000 energies of relative width sqrt(2/d) = 0.41, correlated over
    // about 10: error 0.26 %; 5 of them
    EXPECT_NEAR(result.mean_energy[k] / (0.5 * d * thermal_energy(result.temperatures[k])), 1, 0.013);
    EXPECT_NEAR(result.kinetic_temperature[k] / result.temperatures[k], 1, 0.013);
    // 128 x 1000 attempts, correlated over about 10: error 0.0044; 5 of them
    if (k < 3) {
      EXPECT_NEAR(result.acceptance[k], exact, 0.022);
    }
  }
}

TEST(ReplicaExchange, ResultsDoNotDependOnTheNumberOfThreads) {
  const auto system = load_system("alanine-dipeptide");
  const auto potential = make_force_field(system);
  const ReplicaExchangeOptions options{.n_ladders = 20,
                                       .n_temperatures = 8,
                                       .equilibration_steps = 100,
                                       .steps = 200,
                                       .exchange_interval = 20,
                                       .frame_interval = 20,
                                       .seed = 3};
  std::vector<std::vector<float>> trajectories;
  for (const int n_threads : {1, 3}) {
    set_thread_count(n_threads);
    sample_by_replica_exchange(*potential, testing::masses_of(system), system.positions, options,
                               testing::recorder(trajectories.emplace_back()));
  }
  set_thread_count(0);
  EXPECT_EQ(trajectories[0].size(), 10u * 20 * 66);
  EXPECT_EQ(trajectories[0], trajectories[1]);
}

TEST(ReplicaExchange, StopsWhenAskedAndKeepsWhatItHas) {
  const auto potential = testing::harmonic(1, 100);
  StopFlag stop;
  ReplicaExchangeObserver observer;
  observer.progress = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 1000);
    if (done == 400) stop.request_stop();
  };
  const ReplicaExchangeOptions options{.n_ladders = 2,
                                       .n_temperatures = 2,
                                       .equilibration_steps = 100,
                                       .steps = 900,
                                       .exchange_interval = 50,
                                       .frame_interval = 50};
  const auto result =
      sample_by_replica_exchange(potential, std::vector<double>{1}, std::vector<double>(3), options, observer, &stop);
  EXPECT_TRUE(result.stopped);
  EXPECT_EQ(result.measured_steps, 300);
}

TEST(ReplicaExchange, RefusesImpossibleOptions) {
  const auto potential = testing::harmonic(1, 100);
  const std::vector<double> mass{1}, start(3);
  const auto refused = [&](auto&& change) {
    ReplicaExchangeOptions options{.n_ladders = 1, .n_temperatures = 2, .equilibration_steps = 0, .steps = 100};
    change(options);
    EXPECT_THROW(sample_by_replica_exchange(potential, mass, start, options), InputError);
  };
  refused([](auto& o) { o.n_ladders = 0; });
  refused([](auto& o) { o.highest_temperature = 300; });
  refused([](auto& o) { o.time_step = 0; });
  refused([](auto& o) { o.friction = std::nan(""); });
  refused([](auto& o) { o.steps = 101; });
  refused([](auto& o) { o.frame_interval = 75; });
  const ReplicaExchangeOptions good{.n_ladders = 1, .n_temperatures = 2, .equilibration_steps = 0, .steps = 100};
  EXPECT_THROW(sample_by_replica_exchange(potential, std::vector<double>{0}, start, good), InputError);
  EXPECT_THROW(sample_by_replica_exchange(potential, mass, std::vector<double>(2), good), InputError);
}

TEST(ReplicaExchange, SaysWhenTheDynamicsExplode) {
  const auto potential = testing::harmonic(1, 1e6);
  const ReplicaExchangeOptions options{
      .n_ladders = 1, .n_temperatures = 1, .time_step = 1, .equilibration_steps = 0, .steps = 1000};
  EXPECT_THROW(sample_by_replica_exchange(potential, std::vector<double>{1}, std::vector<double>(3, 0.1), options),
               Error);
}

}  // namespace
}  // namespace boltzflow
