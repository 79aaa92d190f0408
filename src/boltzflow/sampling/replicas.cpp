// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/replicas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/sampling/kernels/langevin.hpp"

namespace boltzflow::sampling {
namespace {

// Streams above those of the replicas.
constexpr std::uint64_t velocity_streams = std::uint64_t{1} << 40, exchange_streams = std::uint64_t{2} << 40;

template <class T>
void write(NpzWriter& archive, const char* name, const std::vector<T>& values) {
  archive.array(name, number_type_of<T>(), {}).append(std::span<const T>(values));
}

template <class T>
void read(const NpzReader& archive, const char* name, std::vector<T>& values) {
  const NpyArray array = archive.read(name);
  if (array.type != number_type_of<T>() || array.size() != static_cast<std::int64_t>(values.size()))
    throw InputError("checkpoint", fmt::format("{} has {} elements, but this run needs {}; resume with the same system "
                                               "and options",
                                               name, array.size(), values.size()));
  std::copy_n(reinterpret_cast<const T*>(array.data.data()), values.size(), values.begin());
}

}  // namespace

Replicas::Replicas(const Potential& potential, std::span<const double> masses, std::span<const double> initial,
                   const ReplicaExchangeOptions& options)
    : potential_(potential),
      options_(options),
      constraints_(options.constraints, masses),
      n_coordinates_(initial.size()),
      n_replicas_(static_cast<std::size_t>(options.n_ladders) * static_cast<std::size_t>(options.n_temperatures)),
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
    replica_at_[r] = static_cast<std::int32_t>(r % temperatures_.size());
    const double thermal = thermal_energy(temperatures_[r % temperatures_.size()]);
    RandomStream random(options.seed, velocity_streams + r);
    for (std::size_t c = 0; c < n_coordinates_; ++c) {
      positions_[r * n_coordinates_ + c] = static_cast<float>(initial[c]);
      velocities_[r * n_coordinates_ + c] = static_cast<float>(std::sqrt(thermal / mass_[c]) * random.normal());
    }
  }
  set_temperatures();
  for (int l = 0; l < options.n_ladders; ++l)
    exchange_random_.emplace_back(options.seed, exchange_streams + static_cast<std::uint64_t>(l));
  if (!constraints_.empty()) {
    const auto n = static_cast<std::int32_t>(n_coordinates_);
    const auto n_replicas = static_cast<std::int64_t>(n_replicas_);
    AlignedBuffer<float> scratch(static_cast<std::size_t>(constraint_scratch(n)));
    const auto move = for_this_cpu(&baseline::project_positions, &avx2::project_positions, &avx512::project_positions);
    const auto slow =
        for_this_cpu(&baseline::project_velocities, &avx2::project_velocities, &avx512::project_velocities);
    const std::vector<float> start = positions_;
    if (!move(constraints_.table(), n, n_replicas, start.data(), positions_.data(), scratch.data()) ||
        !slow(constraints_.table(), n, n_replicas, positions_.data(), velocities_.data(), scratch.data()))
      throw InputError("constraints",
                       "they cannot be met near the structure to start from; minimise it, and look at the distances");
  }
  potential_.energy_and_gradient(std::span<const float>(positions_), energy_, gradient_);
}

void Replicas::advance(int n_steps) {
  constexpr int replicas_in_cache = 64;
  const auto n_rungs = static_cast<std::int64_t>(temperatures_.size());
  const std::int64_t block = std::max<std::int64_t>(1, replicas_in_cache / n_rungs);
  std::atomic<bool> all_met{true};
  parallel_for(options_.n_ladders, block, [&](std::int64_t begin, std::int64_t end, int) {
    AlignedBuffer<float> scratch(
        static_cast<std::size_t>(constraint_scratch(static_cast<std::int64_t>(n_coordinates_))));
    for (std::int64_t first = begin; first < end; first += block) {
      const auto replica = static_cast<std::size_t>(first * n_rungs);
      const auto n = static_cast<std::size_t>((std::min(end, first + block) - first) * n_rungs);
      if (!advance_block(replica, n, n_steps, scratch.data())) all_met = false;
    }
  });
  constraints_met_ = all_met;
  step_ += static_cast<std::uint64_t>(n_steps);
}

void Replicas::check() {
  for (std::size_t r = 0; r < n_replicas_; ++r)
    if (!std::isfinite(energy_[r]))
      throw Error(
          ExitStatus::failure,
          fmt::format("replica exchange: the energy of replica {} became {} kJ/mol at step {}; choose a smaller "
                      "time_step or minimise the structure first",
                      r, energy_[r], step_));
  if (!constraints_met_)
    throw Error(ExitStatus::failure,
                fmt::format("replica exchange: the constraints could not be met at step {}; choose a smaller time_step",
                            step_));
}

void Replicas::exchange(int first, std::span<std::int64_t> attempted, std::span<std::int64_t> accepted) {
  const int n_rungs = static_cast<int>(temperatures_.size());
  for (int ladder = 0; ladder < options_.n_ladders; ++ladder) {
    for (int rung = first; rung + 1 < n_rungs; rung += 2) {
      const std::size_t a = replica(ladder, rung), b = replica(ladder, rung + 1);
      const double log_ratio = (1 / thermal_energy(temperatures_[rung]) - 1 / thermal_energy(temperatures_[rung + 1])) *
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

void Replicas::remove_drift() {
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

void Replicas::add_kinetic_energies(std::span<double> kinetic) const {
  std::vector<float> projected;
  const std::vector<float>* velocities = &velocities_;
  if (!constraints_.empty()) {
    // The velocities at hand hold half of the noise that the constraints take away with the next kick.
    projected = velocities_;
    velocities = &projected;
    const auto project =
        for_this_cpu(&baseline::project_velocities, &avx2::project_velocities, &avx512::project_velocities);
    parallel_for(static_cast<std::int64_t>(n_replicas_), langevin_group,
                 [&](std::int64_t begin, std::int64_t end, int) {
                   AlignedBuffer<float> scratch(
                       static_cast<std::size_t>(constraint_scratch(static_cast<std::int64_t>(n_coordinates_))));
                   const std::size_t offset = static_cast<std::size_t>(begin) * n_coordinates_;
                   project(constraints_.table(), static_cast<std::int32_t>(n_coordinates_), end - begin,
                           positions_.data() + offset, projected.data() + offset, scratch.data());
                 });
  }
  for (int ladder = 0; ladder < options_.n_ladders; ++ladder) {
    for (std::size_t rung = 0; rung < temperatures_.size(); ++rung) {
      const float* const v = velocities->data() + replica(ladder, static_cast<int>(rung)) * n_coordinates_;
      double sum = 0;
      for (std::size_t c = 0; c < n_coordinates_; ++c) sum += 0.5 * mass_[c] * v[c] * v[c];
      kinetic[rung] += sum;
    }
  }
}

void Replicas::write_to(NpzWriter& archive) const {
  write(archive, "positions", positions_);
  write(archive, "velocities", velocities_);
  write(archive, "gradient", gradient_);
  write(archive, "energy", energy_);
  write(archive, "replica_at", replica_at_);
  std::vector<std::int64_t> words;
  for (const RandomStream& random : exchange_random_) words.push_back(static_cast<std::int64_t>(random.position()));
  write(archive, "exchange_random", words);
  write(archive, "step", std::vector<std::int64_t>{static_cast<std::int64_t>(step_)});
}

void Replicas::read_from(const NpzReader& archive) {
  read(archive, "positions", positions_);
  read(archive, "velocities", velocities_);
  read(archive, "gradient", gradient_);
  read(archive, "energy", energy_);
  read(archive, "replica_at", replica_at_);
  std::vector<bool> seen(n_replicas_);
  for (std::size_t r = 0; r < n_replicas_; ++r) {
    const auto n_rungs = static_cast<std::int32_t>(temperatures_.size());
    const bool possible = replica_at_[r] >= 0 && replica_at_[r] < n_rungs;
    const std::size_t at = possible ? r - r % temperatures_.size() + static_cast<std::size_t>(replica_at_[r]) : 0;
    if (!possible || seen[at]) throw InputError("checkpoint", "replica_at is no permutation of the rungs");
    seen[at] = true;
  }
  std::vector<std::int64_t> words(exchange_random_.size()), step(1);
  read(archive, "exchange_random", words);
  read(archive, "step", step);
  for (std::size_t l = 0; l < words.size(); ++l)
    exchange_random_[l] = RandomStream(options_.seed, exchange_streams + l, static_cast<std::uint64_t>(words[l]));
  step_ = static_cast<std::uint64_t>(step[0]);
  set_temperatures();
}

double Replicas::velocity_decay() const { return std::exp(-options_.friction * options_.time_step); }

float Replicas::noise_scale(double temperature) const {
  return static_cast<float>(
      std::sqrt(-std::expm1(-2 * options_.friction * options_.time_step) * thermal_energy(temperature)));
}

void Replicas::set_temperatures() {
  for (int ladder = 0; ladder < options_.n_ladders; ++ladder)
    for (std::size_t rung = 0; rung < temperatures_.size(); ++rung)
      noise_scale_[replica(ladder, static_cast<int>(rung))] = noise_scale(temperatures_[rung]);
}

bool Replicas::advance_block(std::size_t first, std::size_t n, int n_steps, float* scratch) {
  const std::size_t offset = first * n_coordinates_, size = n * n_coordinates_;
  LangevinStep step{static_cast<std::int32_t>(n_coordinates_),
                    inverse_mass_.data(),
                    inverse_mass_root_.data(),
                    static_cast<float>(options_.time_step),
                    static_cast<float>(velocity_decay()),
                    options_.seed,
                    step_};
  const auto free = for_this_cpu(&baseline::advance_replicas, &avx2::advance_replicas, &avx512::advance_replicas);
  const auto constrained = for_this_cpu(&baseline::advance_constrained_replicas, &avx2::advance_constrained_replicas,
                                        &avx512::advance_constrained_replicas);
  const ConstraintTable table = constraints_.table();
  bool all_met = true;
  for (int s = 0; s < n_steps; ++s, ++step.step) {
    float *const x = positions_.data() + offset, *const v = velocities_.data() + offset;
    const float *const g = gradient_.data() + offset, *const scale = noise_scale_.data() + first;
    if (constraints_.empty())
      free(step, first, static_cast<std::int64_t>(n), scale, g, x, v, scratch);
    else
      all_met &= constrained(step, table, first, static_cast<std::int64_t>(n), scale, g, x, v, scratch);
    potential_.energy_and_gradient(std::span<const float>(x, size), std::span<double>(energy_.data() + first, n),
                                   std::span<float>(gradient_.data() + offset, size));
  }
  return all_met;
}

/// The velocities at hand are half a kick behind those that belong to the positions; it is the latter that are
/// rescaled. (With constraints the half kick is not projected here: the next step projects what is left of it.)
void Replicas::rescale_velocities(std::size_t replica, double scale) {
  const std::size_t offset = replica * n_coordinates_;
  for (std::size_t c = 0; c < n_coordinates_; ++c) {
    const double half_kick = 0.5 * options_.time_step * inverse_mass_[c] * gradient_[offset + c];
    velocities_[offset + c] = static_cast<float>(scale * (velocities_[offset + c] - half_kick) + half_kick);
  }
}

}  // namespace boltzflow::sampling
