// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "boltzflow/app/configuration_reader.hpp"
#include "boltzflow/app/nearest_match.hpp"
#include "boltzflow/app/option_text.hpp"
#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Settings {
  std::string name = "start";
  std::string method = "cmt";
  std::int64_t steps = 10;
  std::int64_t bins = 8;
  double rate = 1e-3;
  bool fixed = false;
  OptionTable table;
  Settings() {
    table.add("name", name, {}, "any word");
    table.add("training.method", method, {"cmt", "reverse-kl"}, "what trains");
    table.add("training.steps", steps, 0, 1e9, "how many steps");
    table.add("flow.n_bins", bins, 2, 64, "bins of a spline");
    table.add("training.learning_rate", rate, 0, std::numeric_limits<double>::infinity(), "of Adam");
    table.add("training.fixed", fixed, "whether the schedule is fixed");
  }
};

std::vector<std::string> errors_in(const std::string& text) {
  Settings settings;
  ConfigurationReader reader(settings.table);
  reader.read(text, "my.toml");
  return reader.errors();
}

TEST(ConfigurationReader, ReadsEveryTypeAndLaterLayersWin) {
  Settings settings;
  ConfigurationReader reader(settings.table);
  reader.read("name = 'a'\n[training]\nmethod = \"reverse-kl\"\nsteps = 1e6\nlearning_rate = 2\nfixed = true\n",
              "a.toml");
  reader.read("training.steps = 20", "b.toml");
  reader.set("name=word", "--set");
  reader.set("flow.n_bins = 16", "--set");
  EXPECT_NO_THROW(reader.finish());
  EXPECT_EQ(settings.name, "word");
  EXPECT_EQ(settings.method, "reverse-kl");
  EXPECT_EQ(settings.steps, 20);
  EXPECT_EQ(settings.bins, 16);
  EXPECT_EQ(settings.rate, 2.0);
  EXPECT_TRUE(settings.fixed);
}

TEST(ConfigurationReader, NamesEveryErrorAtOnceWithFileAndLine) {
  EXPECT_THAT(
      errors_in("nme = 1\n[training]\nlerning_rate = 1\nsteps = \"many\"\nmethod = \"cmtt\"\n[flow]\nn_bins = 0\n"),
      ElementsAre("my.toml:1: nme: unknown key; did you mean name?",
                  "my.toml:3: training.lerning_rate: unknown key; did you mean training.learning_rate?",
                  "my.toml:4: training.steps: expected an integer, found the string \"many\"",
                  "my.toml:5: training.method: \"cmtt\" is not one of \"cmt\", \"reverse-kl\"; did you mean cmt?",
                  "my.toml:7: flow.n_bins: 0 is not in [2, 64]"));
}

TEST(ConfigurationReader, CountsTheErrors) {
  Settings settings;
  ConfigurationReader reader(settings.table);
  reader.read("nme = 1\nflow.n_bins = 99", "my.toml");
  try {
    reader.finish();
    FAIL() << "no error";
  } catch (const ConfigurationError& error) {
    EXPECT_THAT(error.what(), HasSubstr("2 errors in my.toml; nothing was started."));
    EXPECT_EQ(error.status(), ExitStatus::configuration);
  }
}

TEST(ConfigurationReader, RejectsEachWrongType) {
  EXPECT_THAT(errors_in("training.fixed = 1"),
              ElementsAre("my.toml:1: training.fixed: expected true or false, found the integer 1"));
  EXPECT_THAT(errors_in("training.steps = 1.5"),
              ElementsAre("my.toml:1: training.steps: expected an integer, found the number 1.5"));
  EXPECT_THAT(errors_in("training.learning_rate = nan"),
              ElementsAre("my.toml:1: training.learning_rate: nan is not a finite number"));
  EXPECT_THAT(errors_in("training.learning_rate = -1"),
              ElementsAre("my.toml:1: training.learning_rate: -1 is not at least 0"));
  EXPECT_THAT(errors_in("name = [1]"), ElementsAre("my.toml:1: name: expected a string, found an array"));
  EXPECT_THAT(errors_in("name = 2026-11-22"), ElementsAre("my.toml:1: name: expected a string, found a date or time"));
  EXPECT_THAT(errors_in("[training.steps]\na = 1"),
              ElementsAre("my.toml:1: training.steps: expected an integer, found a section"));
  EXPECT_THAT(errors_in("training = 3"),
              ElementsAre("my.toml:1: training: is a section; write its settings under [training]"));
  EXPECT_THAT(errors_in("[other]\n"), ElementsAre("my.toml:1: other: unknown key"));
}

TEST(ConfigurationReader, GivesTheLineOfSyntaxErrorsAndDuplicateKeys) {
  ASSERT_EQ(errors_in("name = 'a'\n\nname = 'b'\n").size(), 1u);
  EXPECT_THAT(errors_in("name = 'a'\n\nname = 'b'\n")[0], HasSubstr("my.toml:3: "));
  ASSERT_EQ(errors_in("name = 'a'\nsteps = = 3\n").size(), 1u);
  EXPECT_THAT(errors_in("name = 'a'\nsteps = = 3\n")[0], HasSubstr("my.toml:2: "));
  EXPECT_EQ(errors_in("name = \"\xff\xfe\"").size(), 1u);  // not UTF-8
  EXPECT_EQ(errors_in(std::string(100'000, '[')).size(), 1u);
}

TEST(ConfigurationReader, ExplainsWrongAssignments) {
  Settings settings;
  ConfigurationReader reader(settings.table);
  for (const char* wrong : {"training.steps", "=3", "training.stps=3", "training.steps=abc", "flow.n_bins=1",
                            "training.steps=3\nname=4", "training.fixed="})
    reader.set(wrong, "--set");
  EXPECT_THAT(reader.errors(), ElementsAre("--set training.steps: expected key=value", "--set =3: expected key=value",
                                           "--set training.stps=3: unknown key; did you mean training.steps?",
                                           "--set training.steps=abc: expected an integer, found the string \"abc\"",
                                           "--set flow.n_bins=1: 1 is not in [2, 64]",
                                           HasSubstr("expected an integer, found the string"),
                                           "--set training.fixed=: expected true or false, found the string \"\""));
}

TEST(EffectiveConfiguration, ReadsBackToTheSameBits) {
  Settings written;
  written.name = "a \"quoted\" \\ word\twith\nlines and \xc3\xa9";
  written.rate = 0.1 + 0.2;
  written.steps = 123456789;
  written.fixed = true;
  const std::string text = effective_configuration(written.table, "two\nlines");
  EXPECT_THAT(text, HasSubstr("# two\n# lines\n"));
  EXPECT_THAT(text, HasSubstr("# bins of a spline; in [2, 64]\nn_bins = 8\n"));
  Settings read;
  ConfigurationReader reader(read.table);
  reader.read(text, "config.toml");
  EXPECT_THAT(reader.errors(), ElementsAre());
  EXPECT_EQ(read.name, written.name);
  EXPECT_EQ(read.rate, written.rate);
  EXPECT_EQ(read.steps, written.steps);
  EXPECT_EQ(read.fixed, written.fixed);
  EXPECT_EQ(effective_configuration(read.table, "two\nlines"), text);
}

TEST(EffectiveConfiguration, KeepsADoubleADouble) {
  Settings settings;
  for (const double value : {20.0, 1e20, 1e-300, 5e-324, 1.0 / 3.0, 0.0}) {
    settings.rate = value;
    Settings read;
    read.rate = -1;
    ConfigurationReader reader(read.table);
    reader.read(effective_configuration(settings.table, ""), "config.toml");
    EXPECT_THAT(reader.errors(), ElementsAre());
    EXPECT_EQ(read.rate, value);
  }
}

TEST(NearestMatch, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("trian", "train"), 1);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(nearest_match("trian", {"train", "sample"}), "train");
  EXPECT_EQ(nearest_match("xyzzy", {"train", "sample"}), "");
  EXPECT_EQ(nearest_match("trust_region", {"a", "method.cmt.trust_region"}), "method.cmt.trust_region");
}

}  // namespace
}  // namespace boltzflow
