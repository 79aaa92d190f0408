// SPDX-License-Identifier: MIT
#include "boltzflow/app/program.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <sstream>

#include "boltzflow/app/exit_codes.hpp"
#include "boltzflow/app/nearest_match.hpp"
#include "boltzflow/app/verb.hpp"
#include "boltzflow/app/version.hpp"

namespace boltzflow {
namespace {

std::vector<std::string> names_of_commands(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; }))
    names.push_back(command->get_name());
  return names;
}

/// CLI11 lists the options that one excludes in the order of their addresses; here they are in that of their names.
class SteadyFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = CLI::Formatter::make_option_opts(option), mark = "Excludes:";
    const std::size_t begin = text.find(mark);
    if (begin == std::string::npos) return text;
    const std::size_t end_of_mark = begin + mark.size();
    std::istringstream rest(text.substr(end_of_mark));
    std::vector<std::string> names{std::istream_iterator<std::string>(rest), {}};
    std::ranges::sort(names);
    return fmt::format("{} {}", text.substr(0, end_of_mark), fmt::join(names, " "));
  }
};

/// The parser with every verb in it, and what the words chose.
struct Parser {
  CLI::App app{
      "Boltzmann generators: independent, exactly weighted equilibrium samples of a molecule from a flow trained\n"
      "on its energy function alone.",
      "boltzflow"};
  Invocation invocation;
  std::vector<std::pair<CLI::App*, Verb::Action>> actions;

  Parser() {
    app.formatter(std::make_shared<SteadyFormatter>());  // before there are verbs, which take it over
    app.require_subcommand(1);
    app.set_version_flag("--version", version_text());
    app.footer(
        "Example:\n  boltzflow train alanine-dipeptide --preset quick\n\n"
        "`boltzflow help` VERB, exit-codes, configuration or presets says more.");
    for (const Verb& verb : verbs()) {
      CLI::App* command = add_command(verb);
      command->footer(fmt::format("Example:\n  {}", verb.example));
      actions.emplace_back(command, verb.define(*command));
      if (verb.has_common_options) add_common_options(*command);
    }
  }

  CLI::App* add_command(const Verb& verb) {
    const std::string name = verb.name;
    const std::size_t space = name.find(' ');
    if (space == std::string::npos) return app.add_subcommand(name, verb.summary);
    const std::string group = name.substr(0, space);
    const std::vector<std::string> present = names_of_commands(app);
    CLI::App* parent = nullptr;
    if (std::ranges::find(present, group) != present.end()) {
      parent = app.get_subcommand(group);
    } else {
      parent = app.add_subcommand(group, "look at a molecular system, see below");
      parent->require_subcommand(1);
      parent->footer(fmt::format("Example:\n  {}", verb.example));
    }
    return parent->add_subcommand(name.substr(space + 1), verb.summary);
  }

  void add_common_options(CLI::App& command) {
    const std::string group = "Options of every verb";
    command.add_flag("--json", invocation.json, "print the result as one JSON document")->group(group);
    command.add_flag("--quiet", invocation.quiet, "no progress and no messages")->group(group);
    command.add_option("--seed", invocation.seed, "of every random number; the same seed gives the same numbers")
        ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()))
        ->group(group);
    command.add_option("--threads", invocation.threads, "0: one per core (the default)")
        ->check(CLI::Range(0, 4096))
        ->group(group);
    command.add_option("--device", invocation.device, "where the flow is computed: cpu or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->group(group);
  }

  CLI::App* chosen() {
    CLI::App* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    return command;
  }
};

/// A misspelt verb, found before the parser sees it: its own message would speak of a missing subcommand.
void check_verb(CLI::App& app, const std::vector<std::string>& words, std::size_t at, const std::string& path) {
  const std::vector<std::string> names = names_of_commands(app);
  if (names.empty() || at >= words.size() || words[at].starts_with("-")) return;
  if (std::ranges::find(names, words[at]) == names.end()) {
    throw Error(ExitStatus::usage, fmt::format("{} {}: there is no such verb{}; see `{} --help`", path, words[at],
                                               hint_for(words[at], names), path));
  }
  check_verb(*app.get_subcommand(words[at]), words, at + 1, path + " " + words[at]);
}

[[noreturn]] void throw_usage(Parser& parser, const CLI::ParseError& error) {
  CLI::App* command = parser.chosen();
  std::string path = "boltzflow";
  for (CLI::App* app = &parser.app; !app->get_subcommands().empty(); path += " " + app->get_name())
    app = app->get_subcommands().front();
  std::string message = error.what();
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (const std::string& extra : parser.app.remaining(true)) {
    if (!dynamic_cast<const CLI::ExtrasError*>(&error)) break;
    message = extra.starts_with("-")
                  ? fmt::format("unknown option {}{}", extra, hint_for(extra.substr(0, extra.find('=')), known))
                  : fmt::format("unexpected word \"{}\"", extra);
    break;
  }
  throw Error(ExitStatus::usage, fmt::format("{}: {}; see `{} --help`", path, message, path));
}

ExitStatus report_error(ExitStatus status, std::string message, bool json) {
  if (status == ExitStatus::configuration) message += " (exit 78; see `boltzflow help exit-codes`)";
  fmt::print(stderr, "{}\n", message);
  if (json) {
    const nlohmann::ordered_json document{
        {"error", {{"status", static_cast<int>(status)}, {"name", name_of(status)}, {"message", message}}}};
    try {
      write_output(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } catch (const Error&) {  // standard output itself may be what failed
    }
  }
  return status;
}

ExitStatus parse_and_run(Parser& parser, const std::vector<std::string>& words) {
  check_verb(parser.app, words, 0, "boltzflow");
  try {
    parser.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForVersion&) {
    write_output(version_text() + "\n");
    return ExitStatus::success;
  } catch (const CLI::CallForHelp&) {
    write_output(parser.chosen()->help());
    return ExitStatus::success;
  } catch (const CLI::ParseError& error) {
    throw_usage(parser, error);
  }
  parser.invocation.command_line.push_back("boltzflow");
  parser.invocation.command_line.insert(parser.invocation.command_line.end(), words.begin(), words.end());
  for (const auto& [command, action] : parser.actions)
    if (command == parser.chosen()) return action(parser.invocation);
  throw std::logic_error("the chosen verb has no action");
}

}  // namespace

ExitStatus run_program(const std::vector<std::string>& words) {
  const bool json = std::ranges::find(words, "--json") != words.end();
  try {
    Parser parser;
    return parse_and_run(parser, words);
  } catch (const Error& error) {
    return report_error(error.status(), error.what(), json);
  } catch (const std::bad_alloc&) {
    return report_error(ExitStatus::unavailable,
                        "out of memory; ask for fewer samples at a time, or use a larger machine", json);
  } catch (const std::exception& error) {
    return report_error(
        ExitStatus::internal,
        fmt::format("internal error: {}\nThis is an error in boltzflow; please report it with the command "
                    "line and this message.",
                    error.what()),
        json);
  }
}

std::string help_text(const std::vector<std::string>& words) {
  Parser parser;
  check_verb(parser.app, words, 0, "boltzflow");
  CLI::App* command = &parser.app;
  for (const std::string& word : words) command = command->get_subcommand(word);
  return command->help();
}

}  // namespace boltzflow
