// SPDX-License-Identifier: MIT
#include "boltzflow/training/cartesian_training_data.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

std::shared_ptr<const CartesianDataSet> data_set() {
  const MolecularSystem system = load_system("alanine-dipeptide");
  RandomStream random(1);
  std::vector<double> frames;
  for (int n = 0; n < 100; ++n)
    for (const double value : system.positions) frames.push_back(value + 0.002 * random.normal());
  CartesianDataSetOptions options;
  options.training = 60, options.validation = 30;
  return std::make_shared<CartesianDataSet>(system, std::move(frames), options, "md.dcd");
}

TEST(CartesianTrainingData, HandsTheDataSetOn) {
  const auto data = data_set();
  const CartesianTrainingData training(data);
  EXPECT_EQ(training.dimension(), 63);
  EXPECT_EQ(training.n_training(), 60);
  EXPECT_EQ(training.n_validation(), 30);
  EXPECT_EQ(training.description(), data->description());
  RandomStream a(3), b(3);
  EXPECT_TRUE(at::equal(training.draw(50, a), data->draw(50, b)));
  EXPECT_TRUE(at::equal(training.first(60, a), data->first(CartesianDataSet::Part::training, 60, b)));
}

TEST(CartesianTrainingData, ValidationIsTheSameEveryTimeAndNoLongerThanItIs) {
  const CartesianTrainingData training(data_set());
  const at::Tensor all = training.validation(1000);
  EXPECT_EQ(all.size(0), 30);
  EXPECT_TRUE(at::equal(all.narrow(0, 0, 20), training.validation(20)));
}

TEST(CartesianTrainingData, TurnsPairsOnlyWhereThatIsAllowed) {
  const auto data = data_set();
  RandomStream random(5);
  at::Tensor x0 = data->draw(10, random), x1 = x0.clone();
  const at::Tensor before = x0.clone();
  CartesianTrainingData(data, false).rotate_together(x0, x1, random);
  EXPECT_TRUE(at::equal(x0, before));
  CartesianTrainingData(data).rotate_together(x0, x1, random);
  EXPECT_TRUE(at::equal(x0, x1));
  EXPECT_GT((x0 - before).abs().max().item<double>(), 0.1);
}

}  // namespace
}  // namespace boltzflow
