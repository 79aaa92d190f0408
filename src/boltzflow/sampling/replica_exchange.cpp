// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/replica_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/npz.hpp"
#include "boltzflow/sampling/replicas.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t state_version = 1;

void check(const Potential& potential, std::span<const double> masses, std::span<const double> positions,
           const ReplicaExchangeOptions& o) {
  const auto require = [](bool condition, const std::string& message) {
    if (!condition) throw InputError("replica exchange", message);
  };
  const auto n_atoms = static_cast<std::size_t>(potential.n_atoms());
  require(masses.size() == n_atoms, fmt::format("{} masses given for {} atoms", masses.size(), n_atoms));
  require(positions.size() == 3 * n_atoms, fmt::format("{} coordinates given for {} atoms", positions.size(), n_atoms));
  for (const double m : masses)
    require(m > 0 && std::isfinite(m), fmt::format("mass: {} amu is not a positive number", m));
  for (const double x : positions) require(std::isfinite(x), fmt::format("a coordinate to start from is {}", x));
  require(o.n_ladders >= 1, fmt::format("n_ladders: {} is less than 1", o.n_ladders));
  require(o.n_temperatures >= 1, fmt::format("n_temperatures: {} is less than 1", o.n_temperatures));
  require(
      o.lowest_temperature > 0 && std::isfinite(o.highest_temperature),
      fmt::format("temperatures: {} to {} K are not positive numbers", o.lowest_temperature, o.highest_temperature));
  require(o.n_temperatures == 1 || o.highest_temperature > o.lowest_temperature,
          fmt::format("highest_temperature: {} K is not above the lowest, {} K", o.highest_temperature,
                      o.lowest_temperature));
  require(o.time_step > 0 && std::isfinite(o.time_step),
          fmt::format("time_step: {} ps is not a positive number", o.time_step));
  require(o.friction > 0 && std::isfinite(o.friction),
          fmt::format("friction: {}/ps is not a positive number", o.friction));
  require(o.steps >= 0 && o.equilibration_steps >= 0, "the numbers of steps must not be negative");
  require(o.exchange_interval >= 1, fmt::format("exchange_interval: {} is less than 1", o.exchange_interval));
  require(o.frame_interval >= 1 && o.frame_interval % o.exchange_interval == 0,
          fmt::format("frame_interval: {} is not a multiple of the exchange interval, {}", o.frame_interval,
                      o.exchange_interval));
  require(o.steps % o.exchange_interval == 0 && o.equilibration_steps % o.exchange_interval == 0,
          fmt::format("steps: {} and {} are not multiples of the exchange interval, {}", o.equilibration_steps, o.steps,
                      o.exchange_interval));
}

/// The numbers that a state depends on, in one order.
std::vector<double> fingerprint(const ReplicaExchangeOptions& o, std::size_t n_coordinates) {
  std::vector<double> numbers{static_cast<double>(n_coordinates),
                              static_cast<double>(o.n_ladders),
                              static_cast<double>(o.n_temperatures),
                              o.lowest_temperature,
                              o.highest_temperature,
                              o.time_step,
                              o.friction,
                              static_cast<double>(o.equilibration_steps),
                              static_cast<double>(o.exchange_interval),
                              static_cast<double>(o.frame_interval),
                              static_cast<double>(o.seed),
                              static_cast<double>(o.remove_drift)};
  for (const DistanceConstraint& c : o.constraints)
    numbers.insert(numbers.end(), {static_cast<double>(c.i), static_cast<double>(c.j), c.distance});
  return numbers;
}

template <class T>
std::vector<T> read(const NpzReader& archive, const char* name, std::size_t size) {
  const NpyArray array = archive.read(name);
  if (array.type != number_type_of<T>() || array.size() != static_cast<std::int64_t>(size))
    throw InputError("checkpoint", fmt::format("{} does not hold {} numbers of this run; resume with the same system "
                                               "and options",
                                               name, size));
  const T* const values = reinterpret_cast<const T*>(array.data.data());
  return {values, values + size};
}

}  // namespace

/// Everything of a run; what is not in Replicas are counters and sums over measurements.
struct ReplicaExchange::State {
  State(const Potential& potential, std::span<const double> masses, std::span<const double> initial,
        const ReplicaExchangeOptions& wanted)
      : options(wanted),
        replicas(potential, masses, initial, options),
        energy_sum(replicas.temperatures().size()),
        kinetic_sum(replicas.temperatures().size()),
        attempted(replicas.temperatures().size()),
        accepted(replicas.temperatures().size()) {}

  void measure() {
    ++n_measurements;
    for (int ladder = 0; ladder < options.n_ladders; ++ladder)
      for (std::size_t k = 0; k < energy_sum.size(); ++k) energy_sum[k] += replicas.energy(ladder, static_cast<int>(k));
    replicas.add_kinetic_energies(kinetic_sum);
  }

  void observe_frame(const ReplicaExchangeObserver& observer) {
    const auto n_ladders = static_cast<std::size_t>(options.n_ladders);
    frame_positions.resize(n_ladders * replicas.n_coordinates());
    frame_energy.resize(n_ladders);
    for (int ladder = 0; ladder < options.n_ladders; ++ladder) {
      std::ranges::copy(replicas.positions(ladder, 0),
                        frame_positions.begin() + static_cast<std::ptrdiff_t>(ladder * replicas.n_coordinates()));
      frame_energy[ladder] = replicas.energy(ladder, 0);
    }
    observer.frame({done - options.equilibration_steps, frame_positions, frame_energy});
  }

  const ReplicaExchangeOptions options;
  sampling::Replicas replicas;
  std::vector<double> energy_sum, kinetic_sum;    ///< over ladders and measurements
  std::vector<std::int64_t> attempted, accepted;  ///< exchanges of a rung with the next
  std::int64_t done = 0, n_measurements = 0;
  int first_rung = 0;
  bool stopped = false;
  std::vector<float> frame_positions;
  std::vector<double> frame_energy;
};

ReplicaExchange::ReplicaExchange(const Potential& potential, std::span<const double> masses,
                                 std::span<const double> initial_positions, const ReplicaExchangeOptions& options) {
  check(potential, masses, initial_positions, options);
  state_ = std::make_unique<State>(potential, masses, initial_positions, options);
  state_->replicas.check();
}

ReplicaExchange::~ReplicaExchange() = default;

bool ReplicaExchange::run(const ReplicaExchangeObserver& observer, const StopFlag* stop) {
  State& s = *state_;
  const ReplicaExchangeOptions& o = s.options;
  const std::int64_t n_steps = o.equilibration_steps + o.steps;
  while (s.done < n_steps) {
    s.stopped = stop != nullptr && stop->stop_requested();
    if (s.stopped) return false;
    s.replicas.advance(o.exchange_interval);
    s.done += o.exchange_interval;
    s.replicas.check();
    if (o.remove_drift) s.replicas.remove_drift();
    if (s.done == o.equilibration_steps) std::ranges::fill(s.attempted, 0), std::ranges::fill(s.accepted, 0);
    if (const std::int64_t measured = s.done - o.equilibration_steps; measured > 0) {
      s.measure();
      if (observer.frame && measured % o.frame_interval == 0) s.observe_frame(observer);
    }
    s.replicas.exchange(s.first_rung, s.attempted, s.accepted);
    s.first_rung ^= 1;
    if (observer.progress) observer.progress(s.done, n_steps);
  }
  return true;
}

ReplicaExchangeResult ReplicaExchange::result() const {
  const State& s = *state_;
  const std::size_t n_rungs = s.energy_sum.size();
  ReplicaExchangeResult result{.temperatures = s.replicas.temperatures(),
                               .mean_energy = s.energy_sum,
                               .kinetic_temperature = s.kinetic_sum,
                               .acceptance = std::vector<double>(n_rungs - 1),
                               .measured_steps = std::max<std::int64_t>(0, s.done - s.options.equilibration_steps),
                               .n_evaluations = (s.done + 1) * s.options.n_ladders * static_cast<std::int64_t>(n_rungs),
                               .stopped = s.stopped};
  const double n_samples = static_cast<double>(std::max<std::int64_t>(1, s.n_measurements)) * s.options.n_ladders;
  for (std::size_t k = 0; k < n_rungs; ++k) {
    result.mean_energy[k] /= n_samples;
    result.kinetic_temperature[k] *= 2 / (n_samples * s.replicas.n_degrees_of_freedom() * gas_constant);
    if (k + 1 < n_rungs)
      result.acceptance[k] =
          static_cast<double>(s.accepted[k]) / static_cast<double>(std::max<std::int64_t>(1, s.attempted[k]));
  }
  return result;
}

std::int64_t ReplicaExchange::steps_done() const { return state_->done; }

void ReplicaExchange::save(const std::filesystem::path& path) const {
  const State& s = *state_;
  NpzWriter archive(path);
  const auto write = [&]<class T>(const char* name, const std::vector<T>& values) {
    archive.array(name, number_type_of<T>(), {}).append(std::span<const T>(values));
  };
  write("version", std::vector<std::int64_t>{state_version});
  write("options", fingerprint(s.options, s.replicas.n_coordinates()));
  write("counters", std::vector<std::int64_t>{s.done, s.n_measurements, s.first_rung});
  write("energy_sum", s.energy_sum);
  write("kinetic_sum", s.kinetic_sum);
  write("attempted", s.attempted);
  write("accepted", s.accepted);
  s.replicas.write_to(archive);
  archive.finish();
}

void ReplicaExchange::restore(const std::filesystem::path& path) {
  State& s = *state_;
  const NpzReader archive(path);
  if (read<std::int64_t>(archive, "version", 1)[0] != state_version)
    throw InputError(path.string(), "this state was written by another version of boltzflow");
  const std::vector<double> options = fingerprint(s.options, s.replicas.n_coordinates());
  if (read<double>(archive, "options", options.size()) != options)
    throw InputError(path.string(), "this state is of a run with other options; resume with the same ones");
  const auto counters = read<std::int64_t>(archive, "counters", 3);
  if (counters[0] < 0 || counters[0] % s.options.exchange_interval != 0 || counters[1] < 0 || counters[2] < 0 ||
      counters[2] > 1)
    throw InputError(path.string(),
                     fmt::format("{} steps and {} measurements done are impossible", counters[0], counters[1]));
  s.done = counters[0], s.n_measurements = counters[1], s.first_rung = static_cast<int>(counters[2]);
  s.energy_sum = read<double>(archive, "energy_sum", s.energy_sum.size());
  s.kinetic_sum = read<double>(archive, "kinetic_sum", s.kinetic_sum.size());
  s.attempted = read<std::int64_t>(archive, "attempted", s.attempted.size());
  s.accepted = read<std::int64_t>(archive, "accepted", s.accepted.size());
  s.replicas.read_from(archive);
}

std::vector<double> geometric_temperatures(double lowest, double highest, int n) {
  if (n < 2 || !(lowest > 0) || !(highest > lowest))
    throw InputError(fmt::format("temperatures: {} from {} to {} K do not make a ladder", n, lowest, highest));
  std::vector<double> temperatures(n);
  for (int k = 0; k < n; ++k) temperatures[k] = lowest * std::pow(highest / lowest, static_cast<double>(k) / (n - 1));
  return temperatures;
}

ReplicaExchangeResult sample_by_replica_exchange(const Potential& potential, std::span<const double> masses,
                                                 std::span<const double> initial_positions,
                                                 const ReplicaExchangeOptions& options,
                                                 const ReplicaExchangeObserver& observer, const StopFlag* stop) {
  ReplicaExchange sampler(potential, masses, initial_positions, options);
  sampler.run(observer, stop);
  return sampler.result();
}

}  // namespace boltzflow
