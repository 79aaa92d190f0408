// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>

#include "boltzflow/app/simulation.hpp"
#include "boltzflow/app/system_argument.hpp"
#include "boltzflow/app/verbs/verb_definitions.hpp"
#include "boltzflow/molecule/constrain_hydrogen_bonds.hpp"

namespace boltzflow {
namespace {

struct Words {
  SystemArgument system;
  std::int64_t replicas = 64, steps = 0, frame_interval = 500, exchange_interval = 50;
  double temperature = 0, time = 1, equilibration = 0.05, time_step = 1, friction = 1, maximum_minutes = 0,
         checkpoint_minutes = 5;
  std::string temperatures, constraints = "none", energy_library, topology, resume;
  std::vector<std::string> outputs;
};

[[noreturn]] void usage(const std::string& message) {
  throw Error(ExitStatus::usage, "boltzflow simulate: " + message);
}

/// "300:1000:8" or, without exchange, one temperature.
void set_temperatures(const Words& words, double default_temperature, ReplicaExchangeOptions& options) {
  options.n_temperatures = 1;
  options.lowest_temperature = words.temperature > 0 ? words.temperature : default_temperature;
  options.highest_temperature = options.lowest_temperature;
  if (words.temperatures.empty()) return;
  double lowest = 0, highest = 0;
  int n = 0;
  char rest = 0;
  if (std::sscanf(words.temperatures.c_str(), "%lf:%lf:%d%c", &lowest, &highest, &n, &rest) != 3 || !(lowest > 0) ||
      !(highest > lowest) || !std::isfinite(highest) || n < 2 || n > 1000)
    usage(fmt::format("--temperatures {}: write LOWEST:HIGHEST:NUMBER, as in 300:1000:8", words.temperatures));
  options.n_temperatures = n;
  options.lowest_temperature = lowest;
  options.highest_temperature = highest;
}

std::int64_t steps_of(double nanoseconds, double time_step, std::int64_t multiple) {
  const double steps = std::ceil(nanoseconds * 1000 / time_step / static_cast<double>(multiple) - 1e-9);
  return static_cast<std::int64_t>(steps) * multiple;
}

/// Without exchange replicas are looked at as often as frames come, but no rarer than every 100 steps.
std::int64_t look_interval(std::int64_t frame_interval) {
  std::int64_t interval = std::min<std::int64_t>(frame_interval, 100);
  while (frame_interval % interval != 0) --interval;
  return interval;
}

ReplicaExchangeOptions options_of(const Words& words, const MolecularSystem& system, std::int64_t seed) {
  ReplicaExchangeOptions o;
  set_temperatures(words, system.temperature, o);
  o.n_ladders = static_cast<int>(words.replicas);
  o.time_step = words.time_step / 1000;
  o.friction = words.friction;
  o.seed = static_cast<std::uint64_t>(seed);
  o.frame_interval = static_cast<int>(words.frame_interval);
  o.exchange_interval =
      static_cast<int>(o.n_temperatures > 1 ? words.exchange_interval : look_interval(words.frame_interval));
  if (o.frame_interval % o.exchange_interval != 0)
    usage(fmt::format("--frame-interval {} is not a multiple of --exchange-interval {}", o.frame_interval,
                      o.exchange_interval));
  if (words.steps % o.frame_interval != 0)
    usage(fmt::format("--steps {} is not a multiple of --frame-interval {}", words.steps, o.frame_interval));
  o.steps = words.steps > 0 ? words.steps : steps_of(words.time, o.time_step, o.frame_interval);
  o.equilibration_steps = steps_of(words.equilibration, o.time_step, o.exchange_interval);
  return o;
}

ExitStatus simulate(const Words& words, const Invocation& invocation) {
  invocation.prepare();
  if (!words.resume.empty()) {
    if (invocation.seed) usage("--resume: the seed is that of the simulation; leave it out");
    return resume_simulation(words.resume, words.maximum_minutes, invocation);
  }
  if (words.system.system.empty()) usage("name a system, as in `boltzflow simulate alanine-dipeptide -o alanine.dcd`");
  if (words.outputs.empty()) usage("name a file for the frames with -o: .dcd, .nc, .xtc, .npz or .pdb");
  MolecularSystem system = words.system.load();
  if (words.constraints == "h-bonds") constrain_hydrogen_bonds(system);
  SimulationSettings settings;
  settings.system = system.name.empty() ? std::filesystem::path(words.system.system).stem().string() : system.name;
  settings.options = options_of(words, system, invocation.seed.value_or(1));
  settings.outputs = words.outputs;
  settings.topology = words.topology;
  settings.energy_library = words.energy_library;
  settings.checkpoint_minutes = words.checkpoint_minutes;
  return begin_simulation(std::move(settings), std::move(system), words.maximum_minutes, invocation);
}

}  // namespace

Verb::Action define_simulate(CLI::App& options) {
  auto words = std::make_shared<Words>();
  words->system.define(options, false);
  constexpr std::int64_t most = 1'000'000'000;
  options.add_option("--replicas", words->replicas, "independent replicas, or ladders of temperatures (64)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{10'000'000}))
      ->type_name("N");
  CLI::Option* one = options.add_option("--temperature", words->temperature, "K (default: the system's own)")
                         ->check(CLI::Range(1e-3, 1e5))
                         ->type_name("K");
  options
      .add_option("--temperatures", words->temperatures,
                  "replica exchange between so many temperatures in geometric order; frames are of the lowest")
      ->type_name("LOW:HIGH:N")
      ->excludes(one);
  CLI::Option* time = options.add_option("--time", words->time, "of every replica, measured (1)")
                          ->check(CLI::Range(1e-9, 1e9))
                          ->type_name("NS");
  options.add_option("--steps", words->steps, "the same in steps")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000'000}))
      ->type_name("N")
      ->excludes(time);
  options.add_option("--equilibration", words->equilibration, "before that, not measured (0.05)")
      ->check(CLI::Range(0.0, 1e6))
      ->type_name("NS");
  options.add_option("--time-step", words->time_step, "(1)")->check(CLI::Range(1e-3, 100.0))->type_name("FS");
  options.add_option("--friction", words->friction, "1/ps (1)")->check(CLI::Range(1e-6, 1e6))->type_name("RATE");
  options.add_option("--constraints", words->constraints, "none, or h-bonds: bonds with a hydrogen have fixed lengths")
      ->check(CLI::IsMember({"none", "h-bonds"}));
  options
      .add_option("--energy-library", words->energy_library,
                  "a shared library whose function computes the energy in the force field's place")
      ->type_name("FILE.so");
  options.add_option("--frame-interval", words->frame_interval, "steps between frames (500)")
      ->check(CLI::Range(std::int64_t{1}, most))
      ->type_name("N");
  options.add_option("--exchange-interval", words->exchange_interval, "steps between exchanges (50)")
      ->check(CLI::Range(std::int64_t{1}, most))
      ->type_name("N");
  CLI::Option* output = options
                            .add_option("-o,--output", words->outputs,
                                        "frames, replica by replica: .dcd, .nc, .xtc, .npz or .pdb; repeatable")
                            ->type_name("FILE")
                            ->allow_extra_args(false);
  options
      .add_option("--topology", words->topology,
                  "a PDB file with the minimised structure, to read .dcd, .nc and .xtc with")
      ->type_name("FILE.pdb");
  options.add_option("--maximum-minutes", words->maximum_minutes, "end after so long with what there is")
      ->check(CLI::Range(0.0, 1e7))
      ->type_name("N");
  options.add_option("--checkpoint-minutes", words->checkpoint_minutes, "between checkpoints (5)")
      ->check(CLI::Range(0.0, 1e5))
      ->type_name("N");
  options.add_option("--resume", words->resume, "go on with an interrupted simulation; its settings are kept")
      ->type_name("FOLDER")
      ->excludes(output);
  return [words](Invocation& invocation) { return simulate(*words, invocation); };
}

}  // namespace boltzflow
