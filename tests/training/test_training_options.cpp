// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <variant>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/training/train.hpp"

namespace boltzflow {
namespace {

TEST(TrainingOptions, AlanineDipeptideGetsTheMeasuredDefaults) {
  const TrainingOptions options = resolve_training_options({}, 60);
  EXPECT_GE(options.cmt.annealing_steps, 40);
  EXPECT_LE(options.cmt.annealing_steps, 48);
  EXPECT_NEAR(options.cmt.entropy_decrease, 3.1, 0.2);
  EXPECT_EQ(options.cmt.refinement_learning_rate, options.trainer.learning_rate);
  EXPECT_GT(options.cmt.refinement_rounds, 0);
  TrainingOptions paper;
  paper.cmt.annealing_steps = 200;
  EXPECT_NEAR(resolve_training_options(paper, 60).cmt.entropy_decrease, 0.76, 0.02);  // (H(q0) - H(p)) / (steps / 2)
}

TEST(TrainingOptions, ImpossibleCombinationsAreNamedAllAtOnce) {
  TrainingOptions options;
  options.flow.spline.n_couplings = 3;
  options.trainer.batch_size = 1000;
  options.cmt.refinement_samples = 500;
  try {
    resolve_training_options(options, 60);
    FAIL();
  } catch (const ConfigurationError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("flow.n_couplings: 3"), std::string::npos);
    EXPECT_NE(message.find("method.cmt.refinement_samples, 500"), std::string::npos);
  }
}

TEST(TrainingOptions, EverySettingIsDescribedOnceAndWithinItsRange) {
  TrainingOptions options;
  OptionTable table;
  options.describe(table);
  std::map<std::string, int> seen;
  for (const Option& option : table.options()) {
    EXPECT_EQ(++seen[option.key], 1) << option.key;
    EXPECT_FALSE(option.documentation.empty()) << option.key;
    if (const auto* number = std::get_if<double*>(&option.value)) {
      EXPECT_GE(**number, option.minimum) << option.key;
      EXPECT_LE(**number, option.maximum) << option.key;
    }
    if (const auto* number = std::get_if<std::int64_t*>(&option.value)) {
      EXPECT_GE(static_cast<double>(**number), option.minimum) << option.key;
      EXPECT_LE(static_cast<double>(**number), option.maximum) << option.key;
    }
    if (const auto* word = std::get_if<std::string*>(&option.value); word != nullptr && !option.choices.empty()) {
      EXPECT_NE(std::find(option.choices.begin(), option.choices.end(), **word), option.choices.end()) << option.key;
    }
  }
  EXPECT_GE(seen.size(), 40u);
}

}  // namespace
}  // namespace boltzflow
