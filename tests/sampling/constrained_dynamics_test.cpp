// SPDX-License-Identifier: MIT
// Constrained dynamics, and going on with a saved run. Statistical tests allow 5 standard errors, taken from
// independent ladders: a false alarm of 6e-7 each. Seeds are fixed, so a test that passes goes on passing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/constrain_hydrogen_bonds.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/sampling/minimize_energy.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"
#include "sampling/analytic_potential.hpp"
#include "sampling/replica_exchange_cases.hpp"

namespace boltzflow {
namespace {

double distance(std::span<const float> x, const DistanceConstraint& c) {
  double square = 0;
  for (int d = 0; d < 3; ++d) square += std::pow(double{x[3 * c.i + d]} - double{x[3 * c.j + d]}, 2);
  return std::sqrt(square);
}

// Two rigid bonds that share a light atom: the constraints favour a right angle, p(c = cos angle) ~ sqrt(det Z) with
// Z_11 = Z_22 = 1/m + 1/m_c and Z_12 = c/m_c (Fixman 1974), times the Boltzmann factor. For the harmonic potential
// here the centroid separates, and the shape costs k/2 times the sum of squared distances from it.
TEST(ConstrainedDynamics, RigidAngleHasTheDistributionOfItsMetric) {
  const double k = 100, length = 0.15, end = 12, middle = 1, temperature = 300;
  auto options = testing::in_fixed_space(128, temperature, 0.002, 21);
  options.equilibration_steps = 2000;
  options.steps = 40'000;
  options.constraints = {{0, 1, length}, {1, 2, length}};
  std::vector<double> sums(128);
  int n_frames = 0;
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    ++n_frames;
    for (std::size_t l = 0; l < sums.size(); ++l) {
      const std::span<const float> x = frame.positions.subspan(9 * l, 9);
      for (const DistanceConstraint& c : options.constraints) ASSERT_NEAR(distance(x, c), length, 3e-7);
      double cosine = 0;
      for (int d = 0; d < 3; ++d) cosine += (x[d] - x[3 + d]) * (x[6 + d] - x[3 + d]) / (length * length);
      sums[l] += cosine * cosine;
    }
  };
  const auto result =
      sample_by_replica_exchange(testing::harmonic(3, k), std::vector{end, middle, end},
                                 std::vector<double>{0.15, 0, 0, 0, 0, 0, 0, 0.15, 0}, options, observer);
  double mean = 0, square = 0;
  for (double& s : sums) mean += (s /= n_frames) / 128;
  for (const double s : sums) square += (s - mean) * (s - mean);
  const double error = std::sqrt(square / (128 * 127));

  double weight = 0, exact = 0, flat = 0;
  for (int i = 0; i < 2000; ++i) {
    const double c = (i + 0.5) / 1000 - 1, z = 1 / end + 1 / middle;
    // With the middle atom at 0 the others at a and b: sum of squares about the centroid, (2/3)(a^2 + b^2 - a.b).
    const double shape = 2.0 / 3 * length * length * (2 - c);
    const double w =
        std::sqrt(z * z - c * c / (middle * middle)) * std::exp(-0.5 * k * shape / thermal_energy(temperature));
    weight += w, exact += w * c * c;
    flat += c * c / 2000;
  }
  exact /= weight;
  EXPECT_GT(flat - exact, 20 * error) << "without the metric the answer would be another";
  EXPECT_NEAR(mean, exact, 5 * error);
  // 7 degrees of freedom, 128 x 2000 measurements, correlated over about 5: error 0.24 %; 5 of them
  EXPECT_NEAR(result.kinetic_temperature[0], temperature, 0.012 * temperature);
}

struct Alanine {
  MolecularSystem system = load_system("alanine-dipeptide");
  std::unique_ptr<Potential> potential;
  std::vector<double> masses, start;
  Alanine() {
    start = minimize_energy(*make_force_field(system), system.positions).positions;
    constrain_hydrogen_bonds(system);
    potential = make_force_field(system);
    masses = testing::masses_of(system);
  }
  ReplicaExchangeOptions options() const {
    return {.n_ladders = 8,
            .n_temperatures = 3,
            .highest_temperature = 400,
            .time_step = 0.002,
            .equilibration_steps = 200,
            .steps = 2000,
            .exchange_interval = 20,
            .frame_interval = 40,
            .seed = 22,
            .constraints = system.constraints};
  }
};

TEST(ConstrainedDynamics, HoldsTheHydrogensOfAMolecule) {
  const Alanine alanine;
  double worst = 0;
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    for (std::size_t l = 0; l < 8; ++l)
      for (const DistanceConstraint& c : alanine.system.constraints)
        worst = std::max(worst, std::abs(distance(frame.positions.subspan(66 * l, 66), c) / c.distance - 1));
  };
  const auto result =
      sample_by_replica_exchange(*alanine.potential, alanine.masses, alanine.start, alanine.options(), observer);
  // The tolerance, 5e-7, and coordinates of up to 0.6 nm rounded to 3e-8 nm on both ends of 0.1 nm.
  EXPECT_LT(worst, 1.5e-6);
  EXPECT_GT(worst, 1e-9);
  // 8 x 100 measurements of 54 degrees of freedom, correlated over 1/friction = 25 of them: error 3.4 %; 5 of them
  for (std::size_t t = 0; t < 3; ++t) EXPECT_NEAR(result.kinetic_temperature[t] / result.temperatures[t], 1, 0.17);
}

class SavedRun : public ::testing::Test {
 protected:
  SavedRun()
      : path_(std::filesystem::temp_directory_path() / ("boltzflow-state-" + std::to_string(::getpid()) + ".npz")) {}
  ~SavedRun() override { std::filesystem::remove(path_); }
  std::filesystem::path path_;
};

TEST_F(SavedRun, GoesOnWithTheSameBits) {
  const Alanine alanine;
  std::vector<float> whole, parts;
  std::vector<double> whole_energy, parts_energy;
  const auto recorder = [](std::vector<float>& positions, std::vector<double>& energy) {
    ReplicaExchangeObserver observer;
    observer.frame = [&energy, record = testing::recorder(positions).frame](const ReplicaExchangeFrame& f) {
      record(f);
      energy.insert(energy.end(), f.energy.begin(), f.energy.end());
    };
    return observer;
  };
  ReplicaExchange undisturbed(*alanine.potential, alanine.masses, alanine.start, alanine.options());
  ASSERT_TRUE(undisturbed.run(recorder(whole, whole_energy)));
  for (const std::int64_t until : {100, 900, 2200}) {  // within the equilibration, and not at a frame
    ReplicaExchange part(*alanine.potential, alanine.masses, alanine.start, alanine.options());
    if (until > 100) part.restore(path_);
    StopFlag stop;
    auto observer = recorder(parts, parts_energy);
    observer.progress = [&](std::int64_t done, std::int64_t) {
      if (done == until) stop.request_stop();
    };
    EXPECT_EQ(part.run(observer, &stop), until == 2200);
    EXPECT_EQ(part.steps_done(), until);
    part.save(path_);
    if (until == 2200) {
      EXPECT_EQ(part.result().mean_energy, undisturbed.result().mean_energy);
      EXPECT_EQ(part.result().kinetic_temperature, undisturbed.result().kinetic_temperature);
      EXPECT_EQ(part.result().acceptance, undisturbed.result().acceptance);
    }
  }
  EXPECT_EQ(whole.size(), 50u * 8 * 66);
  EXPECT_EQ(whole, parts);
  EXPECT_EQ(whole_energy, parts_energy);
}

TEST_F(SavedRun, RefusesOtherOptionsAndDamagedFiles) {
  const auto potential = testing::harmonic(2, 100);
  const std::vector<double> masses{1, 2}, start(6);
  const ReplicaExchangeOptions options{.n_ladders = 3, .n_temperatures = 2, .equilibration_steps = 0, .steps = 100};
  ReplicaExchange(potential, masses, start, options).save(path_);
  const auto refused = [&](auto&& change) {
    ReplicaExchangeOptions other = options;
    change(other);
    EXPECT_THROW(ReplicaExchange(potential, masses, start, other).restore(path_), InputError);
  };
  refused([](auto& o) { o.n_ladders = 4; });
  refused([](auto& o) { o.n_ladders = 2, o.n_temperatures = 3; });
  refused([](auto& o) { o.time_step *= 2; });
  refused([](auto& o) { o.seed = 7; });
  ReplicaExchange longer(potential, masses, start,
                         {.n_ladders = 3, .n_temperatures = 2, .equilibration_steps = 0, .steps = 200});
  EXPECT_NO_THROW(longer.restore(path_));
  std::string contents = read_file(path_);
  write_file_atomically(path_, contents.substr(0, contents.size() / 2));
  EXPECT_THROW(longer.restore(path_), InputError);
  std::filesystem::remove(path_);
  EXPECT_THROW(longer.restore(path_), MissingInputError);
}

TEST(ConstrainedDynamics, RefusesAStartFarFromTheConstraints) {
  const auto potential = testing::harmonic(2, 100);
  const ReplicaExchangeOptions options{
      .n_ladders = 1, .n_temperatures = 1, .equilibration_steps = 0, .steps = 100, .constraints = {{0, 1, 0.1}}};
  EXPECT_THROW(ReplicaExchange(potential, std::vector<double>{1, 1}, std::vector<double>(6), options), InputError);
}

}  // namespace
}  // namespace boltzflow
