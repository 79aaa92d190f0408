// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/temporary_folder.hpp"
#include "boltzflow/app/option_text.hpp"
#include "boltzflow/app/presets.hpp"
#include "boltzflow/app/run_settings.hpp"
#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

// Every preset is read without an error, and says what the table and the paper say.
TEST(Presets, AreReadAndHoldTheirFigures) {
  ASSERT_EQ(presets().size(), 10u);
  for (const Preset& preset : presets()) {
    RunSettings settings;
    EXPECT_NO_THROW(read_settings(settings, {.preset = preset.name, .configuration_file = {}, .assignments = {}}));
    EXPECT_FALSE(preset.summary().empty());
  }
  RunSettings quick, long_one, paper;
  read_settings(quick, {.preset = "quick", .configuration_file = {}, .assignments = {}});
  EXPECT_EQ(quick.training.flow.spline.n_couplings, 16);
  EXPECT_EQ(quick.training.flow.spline.hidden_width, 128);
  EXPECT_EQ(quick.training.flow.spline.n_hidden_layers, 3);
  EXPECT_LE(quick.training.trainer.maximum_minutes, 12);
  EXPECT_GT(quick.training.trainer.maximum_minutes, 0);
  read_settings(long_one, {.preset = "long", .configuration_file = {}, .assignments = {}});
  EXPECT_EQ(long_one.training.trainer.maximum_minutes, 0);
  EXPECT_EQ(long_one.training.cmt.refinement_rounds * long_one.training.cmt.refinement_samples, 20'480'000);
  EXPECT_EQ(long_one.training.flow.spline.hidden_width, 256);
  EXPECT_EQ(long_one.training.flow.spline.n_hidden_layers, 5);
  EXPECT_GT(long_one.training.cmt.refinement_log_dispersion, 0);
  EXPECT_GT(long_one.training.cmt.kept_refinement_buffers, 1);
  read_settings(paper, {.preset = "paper", .configuration_file = {}, .assignments = {}});
  const CmtOptions& cmt = paper.training.cmt;
  EXPECT_EQ(cmt.annealing_steps * cmt.samples_per_step, 100'000'000);
  EXPECT_EQ(cmt.gradient_steps, 2000);
  EXPECT_EQ(paper.training.trainer.batch_size, 1024);
  EXPECT_EQ(paper.training.flow.spline.hidden_width, 256);
  EXPECT_EQ(paper.training.flow.spline.n_hidden_layers, 5);
  EXPECT_TRUE(cmt.fixed_annealing_steps);
}

// The rows of the comparison: one and the same architecture by both methods, and the teacher.
TEST(Presets, PairMaximumLikelihoodWithRegression) {
  for (const std::string architecture : {"nsf", "res-nvp", "jet"}) {
    RunSettings likelihood, regression;
    read_settings(likelihood, {.preset = "mle-" + architecture, .configuration_file = {}, .assignments = {}});
    read_settings(regression, {.preset = "regflow-" + architecture, .configuration_file = {}, .assignments = {}});
    EXPECT_EQ(likelihood.training.trainer.method, "maximum-likelihood");
    EXPECT_EQ(regression.training.trainer.method, "regflow");
    EXPECT_EQ(likelihood.training.flow.architecture, regression.training.flow.architecture);
    EXPECT_EQ(likelihood.training.fit.gradient_steps, regression.training.fit.gradient_steps);
    EXPECT_EQ(likelihood.training.trainer.batch_size, regression.training.trainer.batch_size);
    EXPECT_EQ(regression.training.regflow.targets, "reflow");
  }
  RunSettings teacher;
  read_settings(teacher, {.preset = "cnf-teacher", .configuration_file = {}, .assignments = {}});
  EXPECT_EQ(teacher.training.trainer.method, "flow-matching");
  EXPECT_EQ(teacher.training.flow.architecture, "continuous");
}

TEST(Settings, LaterLayersOverrideEarlierOnes) {
  TemporaryFolder folder;
  write_file_atomically(folder / "my.toml", std::string_view("[flow]\nhidden_width = 64\nn_bins = 10\n"));
  RunSettings settings;
  read_settings(
      settings,
      {.preset = "quick", .configuration_file = (folder / "my.toml").string(), .assignments = {"flow.n_bins=12"}});
  EXPECT_EQ(settings.training.flow.spline.n_hidden_layers, 3);  // preset
  EXPECT_EQ(settings.training.flow.spline.hidden_width, 64);    // file over preset
  EXPECT_EQ(settings.training.flow.spline.n_bins, 12);          // word over file
  EXPECT_EQ(settings.training.flow.spline.n_couplings, 16);     // default
}

TEST(Settings, ErrorsOfAllLayersAreReportedTogether) {
  TemporaryFolder folder;
  write_file_atomically(folder / "my.toml", std::string_view("[flow]\nhiden_width = 64\n"));
  RunSettings settings;
  try {
    read_settings(settings, {.preset = {},
                             .configuration_file = (folder / "my.toml").string(),
                             .assignments = {"flow.n_bins=1", "trainin.seed=1"}});
    FAIL() << "no error";
  } catch (const ConfigurationError& error) {
    EXPECT_THAT(error.what(),
                testing::HasSubstr("my.toml:2: flow.hiden_width: unknown key; did you mean flow.hidden_width?"));
    EXPECT_THAT(error.what(), testing::HasSubstr("--set flow.n_bins=1: 1 is not in [2, 64]"));
    EXPECT_THAT(error.what(), testing::HasSubstr("did you mean training.seed?"));
    EXPECT_THAT(error.what(), testing::HasSubstr("3 errors; nothing was started."));
  }
}

// Derived values are written too; reading them back and resolving again changes nothing.
TEST(Settings, EffectiveConfigurationOfEveryPresetReadsBack) {
  for (const Preset& preset : presets()) {
    TemporaryFolder folder;
    RunSettings settings;
    read_settings(settings, {.preset = preset.name, .configuration_file = {}, .assignments = {}});
    settings.training = resolve_training_options(settings.training, 60);
    const std::string text = settings_toml(settings);
    write_file_atomically(folder / "config.toml", std::string_view(text));
    RunSettings again;
    read_settings(again, {.preset = {}, .configuration_file = (folder / "config.toml").string(), .assignments = {}});
    again.training = resolve_training_options(again.training, 60);
    EXPECT_EQ(settings_toml(again), text);
  }
}

TEST(Settings, EveryDefaultLiesInItsOwnRange) {
  RunSettings settings;
  OptionTable table;
  settings.describe(table);
  for (const Option& option : table.options()) {
    EXPECT_FALSE(option.documentation.empty()) << option.key;
    if (const auto* field = std::get_if<std::int64_t*>(&option.value)) {
      EXPECT_GE(static_cast<double>(**field), option.minimum) << option.key;
      EXPECT_LE(static_cast<double>(**field), option.maximum) << option.key;
    } else if (const auto* number = std::get_if<double*>(&option.value)) {
      EXPECT_GE(**number, option.minimum) << option.key;
      EXPECT_LE(**number, option.maximum) << option.key;
    } else if (const auto* word = std::get_if<std::string*>(&option.value); word && !option.choices.empty()) {
      EXPECT_THAT(option.choices, testing::Contains(**word)) << option.key;
    }
  }
}

}  // namespace
}  // namespace boltzflow
