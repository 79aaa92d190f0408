// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "boltzflow/base/stop_flag.hpp"
#include "boltzflow/energy/potential.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Settings of a replica-exchange run; the defaults suit a small peptide.
struct ReplicaExchangeOptions {
  int n_ladders = 64;                         ///< independent repetitions
  int n_temperatures = 8;                     ///< rungs of every ladder; 1: plain Langevin dynamics
  double lowest_temperature = 300;            ///< K, the one that is sampled
  double highest_temperature = 1000;          ///< K; the rungs between are a geometric sequence
  double time_step = 0.001;                   ///< ps
  double friction = 1;                        ///< 1/ps
  std::int64_t equilibration_steps = 50'000;  ///< with exchanges, but not measured
  std::int64_t steps = 500'000;               ///< measured
  int exchange_interval = 50;                 ///< steps between exchange attempts and measurements
  int frame_interval = 200;                   ///< steps between frames; a multiple of exchange_interval
  std::uint64_t seed = 1;
  bool remove_drift = true;  ///< moves every replica's mean position to the origin at exchanges; for molecules
  std::vector<DistanceConstraint> constraints = {};  ///< distances held fixed; masses and start must allow them
};

/// The state of the lowest rung of every ladder at one time.
struct ReplicaExchangeFrame {
  std::int64_t step;                 ///< measured steps so far
  std::span<const float> positions;  ///< [n_ladders, n_atoms, 3] nm
  std::span<const double> energy;    ///< [n_ladders] kJ/mol
};

struct ReplicaExchangeObserver {
  std::function<void(const ReplicaExchangeFrame&)> frame;
  /// Called after every exchange with the steps done, equilibration included, and the steps to do.
  std::function<void(std::int64_t steps_done, std::int64_t n_steps)> progress;
};

struct ReplicaExchangeResult {
  std::vector<double> temperatures;         ///< [n_temperatures] K
  std::vector<double> mean_energy;          ///< [n_temperatures] kJ/mol
  std::vector<double> kinetic_temperature;  ///< [n_temperatures] K, from the velocities; checks the integrator: 2 <K> /
                                            ///< (R (3 n_atoms - n_constraints))
  std::vector<double> acceptance;   ///< [n_temperatures - 1] accepted fraction of the exchanges with the next rung
  std::int64_t measured_steps = 0;  ///< fewer than asked for if stopped
  std::int64_t n_evaluations = 0;   ///< energy+gradient evaluations, all replicas
  bool stopped = false;
};

/// This samples the Boltzmann distribution by Langevin dynamics of many replicas with temperature exchange.
///
/// Integrator, the middle scheme (BAOAB with its half kicks joined; same positions), float32:
///     v <- v - dt/m dU/dx;  x <- x + dt/2 v;  v <- e^(-friction dt) v + sqrt((1 - e^(-2 friction dt)) R T/m) xi;  x <-
///     x + dt/2 v
/// With constraints v is projected after the kick, and x at the end along the constraints' gradients at the step's
/// start (SHAKE), its displacement over dt added to v: the scheme of OpenMM's LangevinMiddleIntegrator. Distances are
/// met to 5e-7 of their length plus the rounding of float32 positions (6e-8 of a coordinate).
/// Neighbouring rungs swap temperatures with probability min(1, exp((1/RT_a - 1/RT_b)(U_a - U_b))), even and odd pairs
/// in turn; velocities are rescaled by sqrt(T_new/T_old).
///
/// Replica r draws its noise from RandomStream(seed, r), so results are the same for every number of threads (and
/// differ between instruction sets by rounding only). Parallel over ladders; memory O(replicas).
/// @cite Leimkuhler & Matthews, Appl. Math. Res. Express 2013, 34 (BAOAB); Zhang, Liu, Yan, Tuckerman & Liu, J. Phys.
///       Chem. A 123 (2019) 6056 (middle scheme, constraints); Ryckaert, Ciccotti & Berendsen, J. Comput. Phys. 23
///       (1977) 327 (SHAKE); Andersen, J. Comput. Phys. 52 (1983) 24 (RATTLE); Sugita & Okamoto, Chem. Phys. Lett. 314
///       (1999) 141 (replica exchange).
class ReplicaExchange {
 public:
  /// @param potential must outlive this object.
  /// @param masses [n_atoms] amu.
  /// @param initial_positions [n_atoms, 3] nm, where every replica starts: minimise them first (minimize_energy). They
  ///        are moved onto the constraints.
  /// @throws InputError if sizes or options are impossible, or constraints cannot be met; Error if the energy of the
  ///         start is infinite or NaN.
  ReplicaExchange(const Potential& potential, std::span<const double> masses, std::span<const double> initial_positions,
                  const ReplicaExchangeOptions& options);
  ~ReplicaExchange();

  /// Goes on until all steps are done (true) or `stop`, looked at between exchanges, asks to end (false).
  /// @throws Error if a replica's energy becomes infinite or NaN, or constraints are no longer met.
  bool run(const ReplicaExchangeObserver& observer = {}, const StopFlag* stop = nullptr);

  /// What was measured so far.
  ReplicaExchangeResult result() const;
  std::int64_t steps_done() const;  ///< equilibration included

  /// Writes the state as a NumPy archive, atomically; to be called by observer.progress or when run() has returned.
  /// @throws IoError.
  void save(const std::filesystem::path& path) const;
  /// Takes over a state that was saved with the same system and options; run() then computes the same bits as without
  /// the interruption (on the same instruction set).
  /// @throws MissingInputError, IoError; InputError if the file is no such state, or of other options.
  void restore(const std::filesystem::path& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The whole run in one call.
ReplicaExchangeResult sample_by_replica_exchange(const Potential& potential, std::span<const double> masses,
                                                 std::span<const double> initial_positions,
                                                 const ReplicaExchangeOptions& options,
                                                 const ReplicaExchangeObserver& observer = {},
                                                 const StopFlag* stop = nullptr);

/// The rungs of a ladder: T_k = lowest (highest/lowest)^(k/(n-1)).
std::vector<double> geometric_temperatures(double lowest, double highest, int n);

}  // namespace boltzflow
