// SPDX-License-Identifier: MIT
// benchmark_sampling [ROUNDS [SYSTEM ...]]: Langevin dynamics of many replicas beside OpenMM's CPU platform, which
// runs one, at 1 fs in one process on one thread that is pinned to one core, the two sides taking turns. What counts is
// the processor time of the process, so that other work on the machine does not; on an idle core it is the time that
// passes. Ratios are medians over the rounds.
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "boltzflow/base/threads.hpp"
#include "boltzflow/molecule/constrain_hydrogen_bonds.hpp"
#include "boltzflow/molecule/openmm_system.hpp"
#include "boltzflow/sampling/minimize_structure.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"
#include "sampling/openmm_dynamics.hpp"

namespace {

using namespace boltzflow;

constexpr double time_step = 0.001, ps_per_us = 1e6, seconds_per_day = 86400;

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

/// One side: runs for a while and returns the seconds per replica and step.
struct Contender {
  std::string name;
  std::function<double()> seconds;
  std::vector<double> times = {};
};

double seconds_of(const std::function<void()>& work, double replica_steps) {
  const double begin = processor_seconds();
  work();
  return (processor_seconds() - begin) / replica_steps;
}

/// Replicas that went far enough to be thermal, and go on with every call.
class Replicas {
 public:
  Replicas(MolecularSystem system, const std::vector<double>& start, int n_replicas, int n_temperatures)
      : system_(std::move(system)), potential_(make_force_field(system_)) {
    std::vector<double> masses;
    for (const Atom& atom : system_.atoms) masses.push_back(atom.mass);
    options_ = {.n_ladders = n_replicas / n_temperatures,
                .n_temperatures = n_temperatures,
                .highest_temperature = n_temperatures > 1 ? 600.0 : 300.0,
                .time_step = time_step,
                .equilibration_steps = 0,
                .steps = 1'000'000'000,
                .exchange_interval = 50,
                .frame_interval = 500,
                .constraints = system_.constraints};
    sampler_ = std::make_unique<ReplicaExchange>(*potential_, masses, start, options_);
    seconds(20);
  }
  double seconds(int n_intervals = 2) {
    const double work = 50.0 * n_intervals * options_.n_ladders * options_.n_temperatures;
    return seconds_of(
        [&] {
          StopFlag stop;
          ReplicaExchangeObserver observer;
          observer.progress = [&](std::int64_t, std::int64_t) {
            if (--n_intervals == 0) stop.request_stop();
          };
          sampler_->run(observer, &stop);
        },
        work);
  }

 private:
  MolecularSystem system_;
  std::unique_ptr<Potential> potential_;
  ReplicaExchangeOptions options_;
  std::unique_ptr<ReplicaExchange> sampler_;
};

void compare(const std::string& name, bool constrained, int n_rounds) {
  const std::string path = std::string(OPENMM_SYSTEMS) + "/" + name;
  MolecularSystem system = read_openmm_system(path + ".xml", path + ".pdb");
  if (constrained) constrain_hydrogen_bonds(system);
  const std::vector<double> start = minimize_structure(system).positions;
  fmt::print("{}{}: {}\n", name, constrained ? ", fixed X-H bonds" : "", make_force_field(system)->description());

  testing::OpenMMDynamics peer(path + ".xml", {.time_step = time_step, .constraints = system.constraints});
  peer.start(start, 1);
  peer.run(100);
  std::vector<std::unique_ptr<Replicas>> ours;
  std::vector<Contender> contenders{
      {"OpenMM CPU, one thread", [&] { return seconds_of([&] { peer.run(100); }, 100); }}};
  const auto add = [&](int n_replicas, int n_temperatures) {
    ours.push_back(std::make_unique<Replicas>(system, start, n_replicas, n_temperatures));
    contenders.push_back({n_temperatures == 1 ? fmt::format("{} replicas", n_replicas)
                                              : fmt::format("{} ladders of {} temperatures",
                                                            n_replicas / n_temperatures, n_temperatures),
                          [replicas = ours.back().get()] { return replicas->seconds(); }});
  };
  add(64, 1);
  add(1024, 1);
  add(256, 8);
  for (int round = 0; round < n_rounds; ++round)
    for (Contender& c : contenders) c.times.push_back(c.seconds());
  for (const Contender& c : contenders) {
    std::vector<double> ratios;
    for (std::size_t r = 0; r < c.times.size(); ++r) ratios.push_back(contenders[0].times[r] / c.times[r]);
    fmt::print("  {:<32} {:>9.3f} us a replica and step   {:>8.2f} us/day   {:>7.1f} x OpenMM CPU\n", c.name,
               1e6 * median(c.times), seconds_per_day * time_step / ps_per_us / median(c.times), median(ratios));
  }
}

}  // namespace

int main(int argc, char** argv) {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return EXIT_FAILURE;
  int core = CPU_SETSIZE - 1;
  while (core > 0 && !CPU_ISSET(core, &cores)) --core;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
  set_thread_count(1);
  const int n_rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 15;
  std::vector<std::string> systems(argv + std::min(argc, 2), argv + argc);
  if (systems.empty()) systems = {"ala_obc1", "ala5_obc2"};
  for (const std::string& system : systems)
    for (const bool constrained : {false, true}) compare(system, constrained, n_rounds);
  return EXIT_SUCCESS;
}
