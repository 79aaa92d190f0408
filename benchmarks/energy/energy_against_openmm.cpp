// SPDX-License-Identifier: MIT
// benchmark_energy [ROUNDS [SYSTEM ...]]: our evaluations beside OpenMM's, on the same thermal conformations, in one
// process that is pinned to one core (unpinned OpenMM's CPU platform is several times slower), the two sides taking
// turns. OpenMM's times are those of setPositions and getState, which is how a program calls it. Ratios are medians
// over the rounds.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/energy/evaluation_timing.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/sampling/minimize_energy.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"
#include "energy/openmm_oracle.hpp"

namespace {

using namespace boltzflow;

constexpr std::size_t batch_size = 128;  // short enough that a call is rarely preempted, eight tiles of AVX-512

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// Pins the calling thread, and the threads it starts, to `core`; -1 lifts that again.
void pin_to(int core, const cpu_set_t& all) {
  cpu_set_t set = all;
  if (core >= 0) {
    CPU_ZERO(&set);
    CPU_SET(core, &set);
  }
  sched_setaffinity(0, sizeof set, &set);
}

std::vector<double> thermal_conformations(const MolecularSystem& system, const Potential& potential) {
  std::vector<double> masses, positions;
  for (const Atom& atom : system.atoms) masses.push_back(atom.mass);
  ReplicaExchangeObserver observer;
  observer.frame = [&](const ReplicaExchangeFrame& f) {
    positions.insert(positions.end(), f.positions.begin(), f.positions.end());
  };
  sample_by_replica_exchange(potential, masses, minimize_energy(potential, system.positions).positions,
                             {.n_ladders = 64,
                              .n_temperatures = 1,
                              .equilibration_steps = 2000,
                              .steps = 16 * 100,
                              .exchange_interval = 100,
                              .frame_interval = 100},
                             observer);
  return positions;
}

struct Contender {
  const char* name;
  std::function<double()> seconds;  ///< per evaluation
  std::vector<double> times = {};
};

void run_rounds(std::vector<Contender>& contenders, int n_rounds) {
  for (int round = 0; round < n_rounds; ++round)
    for (Contender& c : contenders) c.times.push_back(c.seconds());
}

void print(const std::vector<Contender>& contenders) {
  const auto ratio_to = [](const Contender& peer, const Contender& ours) {
    std::vector<double> ratios;
    for (std::size_t r = 0; r < ours.times.size(); ++r) ratios.push_back(peer.times[r] / ours.times[r]);
    return median(ratios);
  };
  for (const Contender& c : contenders)
    fmt::print("  {:<44} {:>10.3f} us (fastest {:.3f})   {:>8.1f} x OpenMM CPU   {:>8.1f} x OpenMM Reference\n", c.name,
               1e6 * median(c.times), 1e6 * std::ranges::min(c.times), ratio_to(contenders[0], c),
               ratio_to(contenders[1], c));
}

void compare(const std::string& name, int n_rounds, const cpu_set_t& all_cores, int core) {
  pin_to(core, all_cores);
  set_thread_count(1);
  const std::string path = std::string(OPENMM_SYSTEMS) + "/" + name;
  const MolecularSystem system = read_openmm_system(path + ".xml", path + ".pdb");
  const auto potential = make_force_field(system);
  std::vector<double> wide = thermal_conformations(system, *potential);
  wide.resize(batch_size * 3 * system.atoms.size());
  const std::vector<float> narrow(wide.begin(), wide.end());
  fmt::print("{}: {}\n", name, potential->description());

  // Like our own times: medians over calls of about a millisecond, so that a preemption does not count.
  const auto peer = [&](testing::OpenMMOracle& oracle, std::size_t n_samples, std::size_t n_at_a_time) {
    const std::size_t n_coordinates = n_at_a_time * 3 * system.atoms.size();
    std::vector<double> energy(n_at_a_time), forces(n_coordinates), seconds;
    for (std::size_t first = 0; first < n_samples; first += n_at_a_time) {
      const auto positions = std::span<const double>(wide).subspan(first / n_at_a_time * n_coordinates, n_coordinates);
      const auto begin = std::chrono::steady_clock::now();
      oracle.evaluate(positions, energy, forces);
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
      seconds.push_back(elapsed.count() / static_cast<double>(n_at_a_time));
    }
    return median(seconds);
  };
  constexpr int repetitions = 15;
  testing::OpenMMOracle cpu(path + ".xml", "CPU", 1), reference(path + ".xml", "Reference");
  peer(cpu, 32, 8);
  std::vector<Contender> contenders{
      {"OpenMM CPU, energy and forces", [&] { return peer(cpu, 128, 8); }},
      {"OpenMM Reference, energy and forces", [&] { return peer(reference, 16, 1); }},
      {"float32, energy and gradient",
       [&] {
         return seconds_per_evaluation(*potential, std::span(narrow), TimedEvaluation::energy_and_gradient,
                                       repetitions);
       }},
      {"float32, energy",
       [&] { return seconds_per_evaluation(*potential, std::span(narrow), TimedEvaluation::energy, repetitions); }},
      {"float64, energy and gradient",
       [&] {
         return seconds_per_evaluation(*potential, std::span<const double>(wide), TimedEvaluation::energy_and_gradient,
                                       repetitions);
       }},
      {"float64, energy", [&] {
         return seconds_per_evaluation(*potential, std::span<const double>(wide), TimedEvaluation::energy, repetitions);
       }}};
  run_rounds(contenders, n_rounds);
  fmt::print(" one thread on core {}, {} conformations, {} rounds\n", core, batch_size, n_rounds);
  print(contenders);

  if (CPU_COUNT(&all_cores) < 2) return;
  pin_to(-1, all_cores);
  set_thread_count(2);
  testing::OpenMMOracle cpu2(path + ".xml", "CPU", 2);
  std::vector<Contender> pairs{{"OpenMM CPU, 2 threads, energy and forces", [&] { return peer(cpu2, 128, 8); }},
                               {"OpenMM Reference, energy and forces", [&] { return peer(reference, 16, 1); }},
                               {"float32, 2 threads, energy and gradient", [&] {
                                  return seconds_per_evaluation(*potential, std::span(narrow),
                                                                TimedEvaluation::energy_and_gradient, repetitions);
                                }}};
  run_rounds(pairs, std::max(1, n_rounds / 4));
  fmt::print(" two threads, not pinned\n");
  print(pairs);
}

}  // namespace

int main(int argc, char** argv) {
  cpu_set_t all_cores;
  if (sched_getaffinity(0, sizeof all_cores, &all_cores) != 0) return EXIT_FAILURE;
  int core = CPU_SETSIZE - 1;
  while (core > 0 && !CPU_ISSET(core, &all_cores)) --core;
  const int n_rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 15;
  std::vector<std::string> systems(argv + std::min(argc, 2), argv + argc);
  if (systems.empty()) systems = {"ala_obc1", "ala_vacuum", "ala5_obc2"};
  for (const std::string& system : systems) compare(system, n_rounds, all_cores, core);
  return EXIT_SUCCESS;
}
