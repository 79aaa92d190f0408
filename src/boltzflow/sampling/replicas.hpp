// SPDX-License-Identifier: MIT
// What replica_exchange.cpp is made of: positions, velocities and temperatures of all replicas.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/molecule/npz.hpp"
#include "boltzflow/sampling/constraint_clusters.hpp"
#include "boltzflow/sampling/replica_exchange.hpp"

namespace boltzflow::sampling {

/// The replicas, ladder by ladder; a replica keeps its place and its temperature wanders.
class Replicas {
 public:
  /// Velocities are drawn, and positions moved onto the constraints. @throws InputError if those are too far away.
  Replicas(const Potential& potential, std::span<const double> masses, std::span<const double> initial,
           const ReplicaExchangeOptions& options);

  const std::vector<double>& temperatures() const { return temperatures_; }
  std::size_t n_coordinates() const { return n_coordinates_; }
  int n_degrees_of_freedom() const { return static_cast<int>(n_coordinates_) - constraints_.size(); }

  /// Blocks of ladders stay in the cache of one thread from one exchange to the next.
  void advance(int n_steps);
  /// @throws Error if an energy is not finite or constraints were not met since the last call.
  void check();
  /// Attempts the exchanges of rungs (first, first + 1), (first + 2, first + 3), ...; counts those that happen.
  void exchange(int first, std::span<std::int64_t> attempted, std::span<std::int64_t> accepted);
  void remove_drift();

  double energy(int ladder, int rung) const { return energy_[replica(ladder, rung)]; }
  std::span<const float> positions(int ladder, int rung) const {
    return {positions_.data() + replica(ladder, rung) * n_coordinates_, n_coordinates_};
  }
  /// Adds the kinetic energy of every rung, summed over the ladders, to kinetic [n_temperatures].
  void add_kinetic_energies(std::span<double> kinetic) const;

  /// Everything that changes as time goes by; read_from(write_to()) goes on with the same bits.
  void write_to(NpzWriter& archive) const;
  void read_from(const NpzReader& archive);

 private:
  std::size_t replica(int ladder, int rung) const {
    const std::size_t base = static_cast<std::size_t>(ladder) * temperatures_.size();
    return base + static_cast<std::size_t>(replica_at_[base + static_cast<std::size_t>(rung)]);
  }
  double velocity_decay() const;
  float noise_scale(double temperature) const;
  bool advance_block(std::size_t first, std::size_t n, int n_steps, float* scratch);
  void rescale_velocities(std::size_t replica, double scale);
  void set_temperatures();

  const Potential& potential_;
  const ReplicaExchangeOptions& options_;
  ConstraintClusters constraints_;
  std::size_t n_coordinates_, n_replicas_;
  std::vector<double> temperatures_, mass_;
  std::vector<float> inverse_mass_, inverse_mass_root_, positions_, velocities_, gradient_;
  std::vector<double> energy_;
  std::vector<float> noise_scale_;
  std::vector<std::int32_t> replica_at_;  ///< [n_ladders, n_temperatures] which replica of the ladder has this rung
  std::vector<RandomStream> exchange_random_;
  std::uint64_t step_ = 0;
  bool constraints_met_ = true;
};

}  // namespace boltzflow::sampling
