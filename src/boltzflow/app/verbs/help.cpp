// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "boltzflow/app/exit_codes.hpp"
#include "boltzflow/app/nearest_match.hpp"
#include "boltzflow/app/presets.hpp"
#include "boltzflow/app/program.hpp"
#include "boltzflow/app/run_settings.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"

namespace boltzflow {
namespace {

std::string preset_text() {
  std::string text;
  for (const Preset& preset : presets()) text += fmt::format("# --preset {}\n{}\n", preset.name, preset.toml);
  return text;
}

struct Topic {
  const char* name;
  std::string (*text)();
};

const Topic topics[] = {
    {"exit-codes", exit_code_text}, {"configuration", configuration_document}, {"presets", preset_text}};

std::string text_about(const std::vector<std::string>& words) {
  std::vector<std::string> known;
  for (const Topic& topic : topics) {
    if (words.size() == 1 && words[0] == topic.name) return topic.text();
    known.push_back(topic.name);
  }
  for (const Verb& verb : verbs()) known.push_back(verb.name);
  known.push_back("system");
  if (!words.empty() && !std::ranges::any_of(known, [&](const std::string& k) { return k.starts_with(words[0]); }))
    throw Error(ExitStatus::usage,
                fmt::format("boltzflow help {}: there is no such topic{}", words[0], hint_for(words[0], known)));
  return help_text(words);
}

}  // namespace

Verb::Action define_help(CLI::App& options) {
  auto words = std::make_shared<std::vector<std::string>>();
  options.add_option("TOPIC", *words, "a verb, exit-codes, configuration or presets");
  return [words](Invocation&) {
    write_output(text_about(*words));
    return ExitStatus::success;
  };
}

}  // namespace boltzflow
