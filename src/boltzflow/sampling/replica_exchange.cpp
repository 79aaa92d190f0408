// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/replica_exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/sampling/kernels/langevin.hpp"

namespace boltzflow {
namespace sampling {
namespace {

// Streams above those of the replicas.
constexpr std::uint64_t velocity_streams = std::uint64_t{1} << 40, exchange_streams = std::uint64_t{2} << 40;

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

/// The replicas, ladder by ladder; a replica keeps its place and its temperature wanders.
class Replicas {
 public:
  Replicas(const Potential& potential, std::span<const double> masses, std::span<const double> initial,
           const ReplicaExchangeOptions& options)
      : potential_(potential),
        options_(options),
        advance_(for_this_cpu(&baseline::advance_replicas, &avx2::advance_replicas, &avx512::advance_replicas)),
        n_coordinates_(initial.size()),
        n_replicas_(static_cast<std::size_t>(options.n_ladders) * options.n_temperatures),
        temperatures_(options.n_temperatures == 1
                          ? std::vector{options.lowest_temperature}
                          : geometric_temperatures(options.lowest_temperature, options.highest_temperature,
                                                   options.n_temperatures)),
        positions_(n_replicas_ * n_coordinates_),
        velocities_(n_replicas_ * n_coordinates_),
        gradient_(n_replicas_ * n_coordinates_),
        energy_(n_replicas_),
        noise_scale_(n_replicas_),
        replica_at_(n_replicas_) {
    for (std::size_t c = 0; c < n_coordinates_; ++c) {
      mass_.push_back(masses[c / 3]);
      inverse_mass_.push_back(static_cast<float>(1 / masses[c / 3]));
      inverse_mass_root_.push_back(static_cast<float>(1 / std::sqrt(masses[c / 3])));
    }
    for (std::size_t r = 0; r < n_replicas_; ++r) {
      replica_at_[r] = static_cast<int>(r % temperatures_.size());
      const double thermal = thermal_energy(temperatures_[r % temperatures_.size()]);
      noise_scale_[r] = noise_scale(thermal);
      RandomStream random(options.seed, velocity_streams + r);
      for (std::size_t c = 0; c < n_coordinates_; ++c) {
        positions_[r * n_coordinates_ + c] = static_cast<float>(initial[c]);
        velocities_[r * n_coordinates_ + c] = static_cast<float>(std::sqrt(thermal / mass_[c]) * random.normal());
      }
    }
    for (int l = 0; l < options.n_ladders; ++l) exchange_random_.emplace_back(options.seed, exchange_streams + l);
    potential_.energy_and_gradient(std::span<const float>(positions_), energy_, gradient_);
  }

  const std::vector<double>& temperatures() const { return temperatures_; }

  /// Blocks of ladders stay in the cache of one thread from one exchange to the next.
  void advance(int n_steps) {
    constexpr int replicas_in_cache = 64;
    const auto n_rungs = static_cast<std::int64_t>(temperatures_.size());
    const std::int64_t block = std::max<std::int64_t>(1, replicas_in_cache / n_rungs);
    parallel_for(options_.n_ladders, block, [&](std::int64_t begin, std::int64_t end, int) {
      AlignedBuffer<float> scratch(langevin_scratch(static_cast<std::int64_t>(n_coordinates_)));
      for (std::int64_t first = begin; first < end; first += block) {
        const auto replica = static_cast<std::size_t>(first * n_rungs);
        const auto n = static_cast<std::size_t>((std::min(end, first + block) - first) * n_rungs);
        advance_block(replica, n, n_steps, scratch.data());
      }
    });
    step_ += static_cast<std::uint64_t>(n_steps);
  }

  void check_finite() const {
    for (std::size_t r = 0; r < n_replicas_; ++r)
      if (!std::isfinite(energy_[r]))
        throw Error(
            ExitStatus::failure,
            fmt::format("replica exchange: the energy of replica {} became {} kJ/mol at step {}; choose a smaller "
                        "time_step or minimise the structure first",
                        r, energy_[r], step_));
  }

  /// Attempts the exchanges of rungs (first, first + 1), (first + 2, first + 3), ...; counts those that happen.
  void exchange(int first, std::span<std::int64_t> attempted, std::span<std::int64_t> accepted) {
    const int n_rungs = static_cast<int>(temperatures_.size());
    for (int ladder = 0; ladder < options_.n_ladders; ++ladder) {
      for (int rung = first; rung + 1 < n_rungs; rung += 2) {
        const std::size_t a = replica(ladder, rung), b = replica(ladder, rung + 1);
        const double log_ratio =
            (1 / thermal_energy(temperatures_[rung]) - 1 / thermal_energy(temperatures_[rung + 1])) *
            (energy_[a] - energy_[b]);
        const double uniform = exchange_random_[ladder].uniform();
        ++attempted[rung];
        if (std::log(uniform) >= log_ratio) continue;
        ++accepted[rung];
        const double scale = std::sqrt(temperatures_[rung + 1] / temperatures_[rung]);
        rescale_velocities(a, scale);
        rescale_velocities(b, 1 / scale);
        std::swap(noise_scale_[a], noise_scale_[b]);
        std::swap(replica_at_[ladder * n_rungs + rung], replica_at_[ladder * n_rungs + rung + 1]);
      }
    }
  }

  void remove_drift() {
    const std::size_t n_atoms = n_coordinates_ / 3;
    for (std::size_t r = 0; r < n_replicas_; ++r) {
      float* const x = positions_.data() + r * n_coordinates_;
      for (std::size_t d = 0; d < 3; ++d) {
        double mean = 0;
        for (std::size_t i = 0; i < n_atoms; ++i) mean += x[3 * i + d];
        const auto shift = static_cast<float>(mean / static_cast<double>(n_atoms));
        for (std::size_t i = 0; i < n_atoms; ++i) x[3 * i + d] -= shift;
      }
    }
  }

  double energy(int ladder, int rung) const { return energy_[replica(ladder, rung)]; }
  std::span<const float> positions(int ladder, int rung) const {
    return {positions_.data() + replica(ladder, rung) * n_coordinates_, n_coordinates_};
  }
  double kinetic_energy(int ladder, int rung) const {
    const float* const v = velocities_.data() + replica(ladder, rung) * n_coordinates_;
    double sum = 0;
    for (std::size_t c = 0; c < n_coordinates_; ++c) sum += 0.5 * mass_[c] * v[c] * v[c];
    return sum;
  }
  std::size_t n_coordinates() const { return n_coordinates_; }

 private:
  std::size_t replica(int ladder, int rung) const {
    const std::size_t base = static_cast<std::size_t>(ladder) * temperatures_.size();
    return base + static_cast<std::size_t>(replica_at_[base + rung]);
  }
  double velocity_decay() const { return std::exp(-options_.friction * options_.time_step); }
  float noise_scale(double thermal) const {
    return static_cast<float>(std::sqrt(-std::expm1(-2 * options_.friction * options_.time_step) * thermal));
  }

  void advance_block(std::size_t first, std::size_t n, int n_steps, float* scratch) {
    const std::size_t offset = first * n_coordinates_, size = n * n_coordinates_;
    LangevinStep step{static_cast<std::int32_t>(n_coordinates_),
                      inverse_mass_.data(),
                      inverse_mass_root_.data(),
                      static_cast<float>(options_.time_step),
                      static_cast<float>(velocity_decay()),
                      options_.seed,
                      step_};
    for (int s = 0; s < n_steps; ++s, ++step.step) {
      advance_(step, first, static_cast<std::int64_t>(n), noise_scale_.data() + first, gradient_.data() + offset,
               positions_.data() + offset, velocities_.data() + offset, scratch);
      potential_.energy_and_gradient(std::span<const float>(positions_.data() + offset, size),
                                     std::span<double>(energy_.data() + first, n),
                                     std::span<float>(gradient_.data() + offset, size));
    }
  }

  /// The velocities at hand are half a kick behind those that belong to the positions; it is the latter that are
  /// rescaled.
  void rescale_velocities(std::size_t replica, double scale) {
    const std::size_t offset = replica * n_coordinates_;
    for (std::size_t c = 0; c < n_coordinates_; ++c) {
      const double half_kick = 0.5 * options_.time_step * inverse_mass_[c] * gradient_[offset + c];
      velocities_[offset + c] = static_cast<float>(scale * (velocities_[offset + c] - half_kick) + half_kick);
    }
  }

  const Potential& potential_;
  const ReplicaExchangeOptions& options_;
  decltype(&baseline::advance_replicas) advance_;
  std::size_t n_coordinates_, n_replicas_;
  std::vector<double> temperatures_, mass_;
  std::vector<float> inverse_mass_, inverse_mass_root_, positions_, velocities_, gradient_;
  std::vector<double> energy_;
  std::vector<float> noise_scale_;
  std::vector<int> replica_at_;  ///< [n_ladders, n_temperatures] which replica of the ladder has this rung
  std::vector<RandomStream> exchange_random_;
  std::uint64_t step_ = 0;
};

}  // namespace
}  // namespace sampling

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
  sampling::check(potential, masses, initial_positions, options);
  sampling::Replicas replicas(potential, masses, initial_positions, options);
  replicas.check_finite();
  const std::size_t n_rungs = replicas.temperatures().size();
  ReplicaExchangeResult result{.temperatures = replicas.temperatures(),
                               .mean_energy = std::vector<double>(n_rungs),
                               .kinetic_temperature = std::vector<double>(n_rungs),
                               .acceptance = std::vector<double>(n_rungs - 1)};
  std::vector<std::int64_t> attempted(n_rungs), accepted(n_rungs);
  std::vector<float> frame_positions(options.n_ladders * replicas.n_coordinates());
  std::vector<double> frame_energy(options.n_ladders);
  const std::int64_t n_steps = options.equilibration_steps + options.steps;
  std::int64_t n_measurements = 0, done = 0;
  int first_rung = 0;
  while (done < n_steps) {
    if (stop != nullptr && stop->stop_requested()) {
      result.stopped = true;
      break;
    }
    replicas.advance(options.exchange_interval);
    done += options.exchange_interval;
    replicas.check_finite();
    if (options.remove_drift) replicas.remove_drift();
    if (done == options.equilibration_steps) std::ranges::fill(attempted, 0), std::ranges::fill(accepted, 0);
    if (const std::int64_t measured = done - options.equilibration_steps; measured > 0) {
      result.measured_steps = measured;
      ++n_measurements;
      for (int ladder = 0; ladder < options.n_ladders; ++ladder) {
        for (std::size_t k = 0; k < n_rungs; ++k) {
          result.mean_energy[k] += replicas.energy(ladder, static_cast<int>(k));
          result.kinetic_temperature[k] += replicas.kinetic_energy(ladder, static_cast<int>(k));
        }
      }
      if (observer.frame && measured % options.frame_interval == 0) {
        for (int ladder = 0; ladder < options.n_ladders; ++ladder) {
          std::ranges::copy(replicas.positions(ladder, 0),
                            frame_positions.begin() + static_cast<std::ptrdiff_t>(ladder * replicas.n_coordinates()));
          frame_energy[ladder] = replicas.energy(ladder, 0);
        }
        observer.frame({measured, frame_positions, frame_energy});
      }
    }
    replicas.exchange(first_rung, attempted, accepted);
    first_rung ^= 1;
    if (observer.progress) observer.progress(done, n_steps);
  }
  const double n_samples = static_cast<double>(std::max<std::int64_t>(1, n_measurements)) * options.n_ladders;
  for (std::size_t k = 0; k < n_rungs; ++k) {
    result.mean_energy[k] /= n_samples;
    result.kinetic_temperature[k] *= 2 / (n_samples * static_cast<double>(replicas.n_coordinates()) * gas_constant);
    if (k + 1 < n_rungs)
      result.acceptance[k] =
          static_cast<double>(accepted[k]) / static_cast<double>(std::max<std::int64_t>(1, attempted[k]));
  }
  result.n_evaluations = (done + 1) * options.n_ladders * static_cast<std::int64_t>(n_rungs);
  return result;
}

}  // namespace boltzflow
