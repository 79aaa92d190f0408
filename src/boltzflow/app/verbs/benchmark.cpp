// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "boltzflow/app/device.hpp"
#include "boltzflow/app/machine.hpp"
#include "boltzflow/app/run_settings.hpp"
#include "boltzflow/app/speed.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/molecule/load_system.hpp"

namespace boltzflow {
namespace {

struct Words {
  std::string system = "alanine-dipeptide";
  SettingsSource source;
};

std::string to_text(const nlohmann::ordered_json& d) {
  std::string text = fmt::format("{}, {}{}, {} of {} cores\n\n", d["hardware"]["cpu"].get<std::string>(),
                                 d["hardware"]["instruction_set"].get<std::string>(),
                                 d["hardware"]["amx"].get<bool>() ? " with AMX" : "",
                                 d["hardware"]["threads"].get<int>(), d["hardware"]["cores"].get<int>());
  text += fmt::format("{:<40} {:>8} {:>14}\n", "energy and gradient of " + d["system"].get<std::string>(), "threads",
                      "us each");
  for (const auto& row : d["energy"])
    text += fmt::format("  {:<38} {:>8} {:>14.3f}\n", row["precision"].get<std::string>(), row["threads"].get<int>(),
                        row["microseconds"].get<double>());
  text += fmt::format("\n{:<40} {:>14} {:>14}\n",
                      fmt::format("flow of {} couplings, {} x {}, {} parameters", d["flow"]["n_couplings"].get<int>(),
                                  d["flow"]["n_hidden_layers"].get<int>(), d["flow"]["hidden_width"].get<int>(),
                                  count_text(d["flow"]["n_parameters"].get<double>(), 2)),
                      "training step", "sampling");
  for (const auto& row : d["flow"]["timings"])
    text +=
        fmt::format("  {:<38} {:>11.2f} ms {:>11.2f} ms\n",
                    fmt::format("{}, batch of {}", row["precision"].get<std::string>(), row["batch_size"].get<int>()),
                    row["training_step_milliseconds"].get<double>(), row["sampling_milliseconds"].get<double>());
  text += fmt::format("\npeak memory {:.0f} MB\n", d["peak_memory_bytes"].get<double>() / 1e6);
  return text;
}

ExitStatus benchmark(const Words& words, const Invocation& invocation) {
  RunSettings settings;
  read_settings(settings, words.source);
  invocation.prepare();
  const MolecularSystem system = load_system(words.system);
  const int n_threads = thread_count();
  const Machine machine = this_machine();
  Progress progress(invocation.progress_style());
  nlohmann::ordered_json document{{"hardware",
                                   {{"cpu", machine.cpu_model},
                                    {"instruction_set", machine.instruction_set},
                                    {"amx", machine.amx},
                                    {"cores", machine.n_cores},
                                    {"threads", n_threads}}},
                                  {"system", system.name},
                                  {"energy", nlohmann::ordered_json::array()}};
  for (const int threads : n_threads > 1 ? std::vector{1, n_threads} : std::vector{1}) {
    progress.update(fmt::format("benchmark  energies on {} threads", threads));
    prepare_threads(threads);
    const EnergySpeed speed = measure_energy_speed(system);
    document["energy"].push_back(
        {{"precision", "float32"}, {"threads", threads}, {"microseconds", speed.float32_microseconds}});
    document["energy"].push_back(
        {{"precision", "float64"}, {"threads", threads}, {"microseconds", speed.float64_microseconds}});
  }
  prepare_threads(n_threads);
  document["flow"] = {{"n_couplings", settings.training.flow.spline.n_couplings},
                      {"n_hidden_layers", settings.training.flow.spline.n_hidden_layers},
                      {"hidden_width", settings.training.flow.spline.hidden_width},
                      {"n_parameters", 0},
                      {"timings", nlohmann::ordered_json::array()}};
  for (const ConditionerPrecision precision :
       {ConditionerPrecision::float32, ConditionerPrecision::split_bfloat16, ConditionerPrecision::bfloat16}) {
    progress.update(fmt::format("benchmark  flow in {}", name_of(precision)));
    const FlowSpeed speed = measure_flow_speed(system, settings.training.flow, precision,
                                               settings.training.trainer.batch_size, invocation.device.value_or("cpu"));
    document["flow"]["n_parameters"] = speed.n_parameters;
    document["flow"]["timings"].push_back({{"precision", name_of(precision)},
                                           {"batch_size", settings.training.trainer.batch_size},
                                           {"training_step_milliseconds", speed.training_step_milliseconds},
                                           {"sampling_milliseconds", speed.sampling_milliseconds}});
  }
  document["peak_memory_bytes"] = peak_memory_bytes();
  progress.finish();
  invocation.print(to_text(document), document);
  return ExitStatus::success;
}

}  // namespace

Verb::Action define_benchmark(CLI::App& options) {
  auto words = std::make_shared<Words>();
  options.add_option("SYSTEM", words->system, "whose energies and coordinates are timed (default alanine-dipeptide)");
  options.add_option("--preset", words->source.preset, "take flow and batch size from a preset")->type_name("NAME");
  options.add_option("--config", words->source.configuration_file, "take flow and batch size from a TOML file")
      ->type_name("FILE.toml");
  options.add_option("--set", words->source.assignments, "one setting; see `boltzflow help configuration`")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  return [words](Invocation& invocation) { return benchmark(*words, invocation); };
}

}  // namespace boltzflow
