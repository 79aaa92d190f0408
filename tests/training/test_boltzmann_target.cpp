// SPDX-License-Identifier: MIT
// The seam to molecules: the target density of alanine dipeptide, and train() on it.
#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <memory>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/training/boltzmann_target.hpp"
#include "boltzflow/training/train.hpp"

namespace boltzflow {
namespace {

TEST(BoltzmannTarget, IsTheReducedEnergyAtTheMappedPositions) {
  const MolecularSystem system = load_system("alanine-dipeptide");
  const InternalCoordinates coordinates(system);
  const ReducedPotential potential(make_force_field(system), 300.0);
  const ReducedPotential reference(make_reference_force_field(system), 300.0);
  const BoltzmannTarget target(system, coordinates, potential);
  const std::int64_t n = 300, d = target.dimension(), n_atoms = system.n_atoms();
  ASSERT_EQ(d, 60);
  ASSERT_EQ(target.basin_names().size(), 1u);

  RandomStream random(8);
  std::vector<float> z(n * d);
  std::vector<double> feature_major(n * d), positions(n * n_atoms * 3), log_det(n), energy(n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < d; ++k) {
      const bool circular = coordinates.dimensions()[k].circular();
      z[i * d + k] = static_cast<float>(circular ? random.uniform() : 0.5 + 0.05 * random.normal());
      feature_major[k * n + i] = z[i * d + k];
    }
  coordinates.to_cartesian(std::span<const double>(feature_major), std::span<double>(positions), log_det);
  reference.reduced_energy(std::span<const double>(positions), energy);

  std::vector<double> target_log_det(n), target_energy(n);
  std::vector<std::uint32_t> basins(n);
  target.evaluate(z, target_log_det, target_energy, basins, {});
  EXPECT_EQ(potential.n_evaluations(), n);
  int inside = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    EXPECT_NEAR(target_log_det[i], log_det[i], 1e-3);
    // float32 positions: bonds of 3e5 kJ/mol/nm^2 and the repulsion of clashes amplify roundings of 1e-7 nm.
    EXPECT_NEAR(target_energy[i], energy[i], 1e-3 * (1 + std::abs(energy[i])));
    inside += basins[i] == 1;
    EXPECT_LE(basins[i], 1u);
  }
  // phi is uniform here: 2.2 of 2 pi, 105 +- 8 of 300 expected; five standard deviations.
  EXPECT_NEAR(inside, 105, 42);
  EXPECT_THROW(target.evaluate(z, std::span(target_log_det).first(10), target_energy, basins, {}), InputError);
}

TEST(BoltzmannTarget, ScoreIsTheDerivativeOfItsLogDensity) {
  const MolecularSystem system = load_system("alanine-dipeptide");
  const InternalCoordinates coordinates(system);
  const ReducedPotential potential(make_force_field(system), 300.0),
      reference(make_reference_force_field(system), 300.0);
  const BoltzmannTarget target(system, coordinates, potential);
  const std::int64_t n = 10, d = target.dimension();
  RandomStream random(5);
  std::vector<float> z(n * d), score(n * d);
  for (std::int64_t i = 0; i < n * d; ++i)
    z[i] = static_cast<float>(coordinates.dimensions()[i % d].circular() ? random.uniform()
                                                                         : 0.5 + 0.03 * random.normal());
  std::vector<double> log_det(n), energy(n);
  std::vector<std::uint32_t> basins(n);
  target.evaluate(z, log_det, energy, basins, score);
  EXPECT_EQ(potential.n_evaluations(), n);  // energy and forces are one evaluation

  // Central differences of the reference in float64, one dimension after the other.
  const double step = 1e-6;
  for (std::int64_t k = 0; k < d; ++k) {
    std::vector<double> log_density[2];
    for (const int side : {0, 1}) {
      std::vector<double> points(n * d), positions(n * coordinates.configuration_size()), jacobian(n), u(n);
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < d; ++j)
          points[j * n + i] = z[i * d + j] + (j == k ? (side == 0 ? -step : step) : 0.0);
      coordinates.to_cartesian(std::span<const double>(points), std::span<double>(positions), jacobian);
      reference.reduced_energy(std::span<const double>(positions), u);
      for (std::int64_t i = 0; i < n; ++i) log_density[side].push_back(jacobian[i] - u[i]);
    }
    for (std::int64_t i = 0; i < n; ++i) {
      const double expected = (log_density[1][i] - log_density[0][i]) / (2 * step);
      // float32 positions, amplified as the energies above are
      EXPECT_NEAR(score[i * d + k], expected, 0.5 + 2e-3 * std::abs(expected)) << "sample " << i << " dimension " << k;
    }
  }
}

TEST(Train, RunsOnAMoleculeEndsAtItsBudgetAndResumes) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("boltzflow-train-" + std::to_string(getpid()));
  std::filesystem::remove_all(folder);
  const MolecularSystem system = load_system("alanine-dipeptide");
  TrainingOptions options;
  options.flow.spline.n_couplings = 4;
  options.flow.spline.hidden_width = 32;
  options.flow.spline.n_hidden_layers = 2;
  options.trainer.batch_size = 128;
  options.cmt.samples_per_step = options.cmt.refinement_samples = 2048;
  options.cmt.gradient_steps = options.cmt.refinement_gradient_steps = 8;
  options.cmt.annealing_steps = 3;
  options.cmt.refinement_rounds = 3;

  struct Observer final : TrainingObserver {
    std::vector<StepReport> reports;
    StopFlag* stop = nullptr;
    void on_step(const StepReport& report) override {
      reports.push_back(report);
      if (stop != nullptr) stop->request_stop();
    }
    void on_message(const std::string&) override {}
  };
  const auto train_once = [&](bool resume, Observer& observer, const StopFlag& stop, TrainingEnd expected) {
    BoltzmannGenerator generator(system, 300.0, {}, options.flow, 5);
    const ReducedPotential potential(make_force_field(system), 300.0);
    EXPECT_EQ(train(generator, potential, nullptr, options, folder, resume, observer, stop), expected);
    return generator.flow().flat_parameters().detach().clone();
  };
  Observer whole;
  const at::Tensor expected = train_once(false, whole, StopFlag(), TrainingEnd::finished);
  EXPECT_EQ(whole.reports.size(), 6u);

  Observer interrupted;
  StopFlag stop;
  interrupted.stop = &stop;
  train_once(false, interrupted, stop, TrainingEnd::stopped);
  Observer resumed;
  const at::Tensor result = train_once(true, resumed, StopFlag(), TrainingEnd::finished);
  EXPECT_EQ(interrupted.reports.size() + resumed.reports.size(), 6u);
  EXPECT_TRUE(expected.equal(result));
  EXPECT_EQ(read_checkpoint_summary(folder).n_evaluations, 6 * 2048);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace boltzflow
