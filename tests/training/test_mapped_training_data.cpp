// SPDX-License-Identifier: MIT
#include "boltzflow/training/mapped_training_data.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/aligned_coordinates.hpp"
#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

using Part = CartesianDataSet::Part;

const MolecularSystem& alanine_dipeptide() {
  static const MolecularSystem system = load_system("alanine-dipeptide");
  return system;
}

CartesianDataSet data_set(double phi_weight = 0, bool mirrored = false) {
  RandomStream random(1);
  std::vector<double> frames;
  for (int n = 0; n < 400; ++n)
    for (std::size_t i = 0; i < alanine_dipeptide().positions.size(); ++i) {
      const double value = alanine_dipeptide().positions[i] + 0.004 * random.normal();
      frames.push_back(mirrored && i % 3 == 2 ? -value : value);
    }
  CartesianDataSetOptions options;
  options.training = 300, options.validation = 60, options.wrong_handed = "keep";
  const auto& phi = alanine_dipeptide().phi[0];
  options.phi_weight_mean = torsion_between(alanine_dipeptide().positions, phi[0], phi[1], phi[2], phi[3]) + 0.1;
  options.phi_weight = phi_weight, options.phi_weight_concentration = 300;
  return {alanine_dipeptide(), std::move(frames), options, "md.dcd"};
}

TEST(MappedTrainingData, IsTheFramesInTheCoordinatesOfTheFlow) {
  const CartesianDataSet data = data_set();
  const AlignedCoordinates map = AlignedCoordinates::whitened(data.positions(Part::training), 22);
  const MappedTrainingData training(data, map);
  ASSERT_EQ(training.dimension(), 60);
  ASSERT_EQ(training.n_training(), 300);
  ASSERT_EQ(training.n_validation(), 60);
  RandomStream random(2);
  const at::Tensor z = training.first(300, random);
  std::vector<double> expected(60 * 300), log_det(300);
  std::vector<std::uint8_t> representable(300);
  map.from_cartesian(data.positions(Part::training), expected, log_det, representable);
  for (std::int64_t n = 0; n < 300; n += 31)
    for (std::int64_t k = 0; k < 60; ++k)
      EXPECT_EQ(z[n][k].item<float>(), static_cast<float>(expected[static_cast<std::size_t>(k * 300 + n)]));
  // Every draw is one of them, and all are drawn.
  const at::Tensor drawn = training.draw(5000, random);
  std::vector<bool> seen(300);
  for (std::int64_t n = 0; n < 5000; ++n) {
    const at::Tensor same = (z == drawn[n]).all(1).nonzero();
    ASSERT_EQ(same.size(0), 1);
    seen[static_cast<std::size_t>(same[0][0].item<std::int64_t>())] = true;
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 300);
  EXPECT_TRUE(at::equal(training.validation(1000).narrow(0, 0, 20), training.validation(20)));
  EXPECT_THROW(training.first(301, random), InputError);
}

TEST(MappedTrainingData, DrawsByTheWeightsOfTheDataSet) {
  const CartesianDataSet data = data_set(20);
  const MappedTrainingData training(data, AlignedCoordinates::whitened(data.positions(Part::training), 22));
  double sum = 0, largest = 0;
  std::int64_t heaviest = 0;
  for (std::int64_t n = 0; n < 300; ++n) {
    sum += data.training_weight(n);
    if (data.training_weight(n) > largest) largest = data.training_weight(n), heaviest = n;
  }
  ASSERT_GT(largest, 2 * sum / 300);
  RandomStream random(3);
  const at::Tensor frame = training.first(300, random)[heaviest];
  const double n = 40'000, share = (training.draw(40'000, random) == frame).all(1).sum().item<double>() / n;
  EXPECT_NEAR(share, largest / sum, 5 * std::sqrt(largest / sum / n));
}

TEST(MappedTrainingData, RefusesFramesOfWhichNoneIsRepresented) {
  EXPECT_THROW(MappedTrainingData(data_set(0, true), InternalCoordinates(alanine_dipeptide())), InputError);
}

}  // namespace
}  // namespace boltzflow
