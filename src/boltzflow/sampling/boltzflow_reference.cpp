// SPDX-License-Identifier: MIT
// boltzflow_reference SYSTEM -o FOLDER: samples a molecule's Boltzmann distribution by replica exchange, without any
// flow. Writes positions.npy [n_frames, n_atoms, 3] float32 nm, energy.npy [n_frames] float64 kJ/mol, ladder.npy
// [n_frames] int32 (which independent ladder a frame is from) and summary.json.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <bit>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/load_system.hpp"
#include "boltzflow/sampling/minimize_energy.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"

namespace {

using namespace boltzflow;

StopFlag stop_flag;

/// A NumPy file, version 1.0: magic, header length, a Python dictionary padded to a multiple of 64, the bytes.
template <class T>
void write_npy(const std::filesystem::path& path, const char* type, const std::string& shape,
               const std::vector<T>& values) {
  static_assert(std::endian::native == std::endian::little);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, shape);
  header.append(63 - (10 + header.size()) % 64, ' ').push_back('\n');
  std::string contents("\x93NUMPY\x01\x00", 8);
  contents.push_back(static_cast<char>(header.size() & 0xff));
  contents.push_back(static_cast<char>(header.size() >> 8));
  contents += header;
  contents.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  write_file_atomically(path, contents);
}

struct Arguments {
  std::string system = "alanine-dipeptide";
  std::filesystem::path output;
  ReplicaExchangeOptions options;
  int threads = 1;
  double minutes = 0;
};

void run(const Arguments& arguments) {
  set_thread_count(arguments.threads);
  const MolecularSystem system = load_system(arguments.system);
  if (system.positions.empty()) throw InputError(system.name, "has no structure to start from");
  const auto potential = make_force_field(system);
  std::vector<double> masses;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);
  const MinimizationResult start = minimize_energy(*potential, system.positions);
  fmt::print("{}: {}\nstart {:.3f} kJ/mol\n", system.name, potential->description(), start.energy);

  std::vector<float> positions;
  std::vector<double> energy;
  std::vector<std::int32_t> ladder;
  const auto begin = std::chrono::steady_clock::now();
  const auto minutes = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 60;
  };
  double reported = 0;
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& frame) {
    positions.insert(positions.end(), frame.positions.begin(), frame.positions.end());
    energy.insert(energy.end(), frame.energy.begin(), frame.energy.end());
    for (int l = 0; l < arguments.options.n_ladders; ++l) ladder.push_back(l);
  };
  observer.progress = [&](std::int64_t done, std::int64_t total) {
    if (arguments.minutes > 0 && minutes() > arguments.minutes) stop_flag.request_stop();
    if (minutes() < reported + 1) return;
    reported = minutes();
    fmt::print("{:.1f} minutes, step {}/{}, {} frames\n", reported, done, total, energy.size());
    std::fflush(stdout);
  };
  const auto result =
      sample_by_replica_exchange(*potential, masses, start.positions, arguments.options, observer, &stop_flag);
  const double seconds = 60 * minutes();

  std::filesystem::create_directories(arguments.output);
  write_npy(arguments.output / "positions.npy", "<f4", fmt::format("{}, {}, 3", energy.size(), system.n_atoms()),
            positions);
  write_npy(arguments.output / "energy.npy", "<f8", fmt::format("{},", energy.size()), energy);
  write_npy(arguments.output / "ladder.npy", "<i4", fmt::format("{},", ladder.size()), ladder);
  const auto& o = arguments.options;
  write_file_atomically(
      arguments.output / "summary.json",
      fmt::format("{{\n  \"system\": \"{}\",\n  \"n_ladders\": {},\n  \"seed\": {},\n  \"time_step_ps\": {},\n  "
                  "\"friction_per_ps\": {},\n"
                  "  \"exchange_interval\": {},\n  \"frame_interval\": {},\n  \"equilibration_steps\": {},\n  "
                  "\"measured_steps\": {},\n"
                  "  \"n_evaluations\": {},\n  \"seconds\": {:.1f},\n  \"temperatures\": [{:.2f}],\n  \"mean_energy\": "
                  "[{:.3f}],\n"
                  "  \"kinetic_temperature\": [{:.2f}],\n  \"acceptance\": [{:.3f}]\n}}\n",
                  system.name, o.n_ladders, o.seed, o.time_step, o.friction, o.exchange_interval, o.frame_interval,
                  o.equilibration_steps, result.measured_steps, result.n_evaluations, seconds,
                  fmt::join(result.temperatures, ", "), fmt::join(result.mean_energy, ", "),
                  fmt::join(result.kinetic_temperature, ", "), fmt::join(result.acceptance, ", ")));
  fmt::print("{} frames in {:.0f} s, {:.3f} us per replica and step\n", energy.size(), seconds,
             1e6 * seconds / static_cast<double>(result.n_evaluations));
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  ReplicaExchangeOptions& o = arguments.options;
  CLI::App app{"Samples a molecule's Boltzmann distribution by replica exchange, without any flow."};
  app.add_option("system", arguments.system, "built-in name or file")->capture_default_str();
  app.add_option("-o,--output", arguments.output, "folder for the arrays")->required();
  app.add_option("--ladders", o.n_ladders, "independent ladders")->capture_default_str();
  app.add_option("--temperatures", o.n_temperatures, "rungs of a ladder")->capture_default_str();
  app.add_option("--lowest", o.lowest_temperature, "K")->capture_default_str();
  app.add_option("--highest", o.highest_temperature, "K")->capture_default_str();
  app.add_option("--time-step", o.time_step, "ps")->capture_default_str();
  app.add_option("--friction", o.friction, "1/ps")->capture_default_str();
  app.add_option("--equilibration-steps", o.equilibration_steps, "not measured")->capture_default_str();
  app.add_option("--steps", o.steps, "measured")->capture_default_str();
  app.add_option("--exchange-interval", o.exchange_interval, "steps")->capture_default_str();
  app.add_option("--frame-interval", o.frame_interval, "steps")->capture_default_str();
  app.add_option("--seed", o.seed, "of all random numbers")->capture_default_str();
  app.add_option("--threads", arguments.threads, "0: one per core")->capture_default_str();
  app.add_option("--minutes", arguments.minutes, "stop and write what there is after so long; 0: never")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, [](int) { stop_flag.request_stop(); });
  std::signal(SIGTERM, [](int) { stop_flag.request_stop(); });
  try {
    run(arguments);
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    fmt::print(stderr, "internal error: {}\n", error.what());
    return static_cast<int>(ExitStatus::internal);
  }
}
