// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// What the energies of a trajectory's frames say about it.
struct EnergyCheck {
  double median = 0, quantile_99 = 0;  ///< kT, of the finite ones
  std::int64_t n_not_finite = 0;
  /// (median - energy of the reference structure) / (d/2), d = 3N - 6 - n_constraints: 1 in the harmonic limit.
  double thermal_ratio = 0;
  std::vector<std::string> warnings;  ///< one sentence each; empty if all is well
};

/// This compares the reduced energies of frames, by the system's own potential, with those of equilibrium. Around a
/// minimum u_0 with d degrees of freedom u - u_0 follows a gamma distribution of mean and variance d/2; for alanine
/// di- and tripeptide at 300 and 310 K the median is u_0 + 0.98 d/2, and the 99 % quantile lies 1.13 times as far above
/// the median as that law has it.
///
/// Warned of: energies that are not finite; a median more than 1.5 times as far above the minimum as it should be
/// (frames of a higher temperature, of another force field, or not in equilibrium) or less than 0.6 times as far
/// (minimised frames, a lower temperature, another force field), naming the temperature that would explain it; a 99 %
/// quantile more than 3 times as far above the median as it should be (some frames overlap or are strained).
/// @param reduced_energy [n_frames], u = U / RT at the temperature that is to be learnt.
/// @param reference_reduced_energy of the system's reference structure, an energy minimum.
/// @throws InputError if there are no energies or none is finite.
EnergyCheck check_energies(const MolecularSystem& system, std::span<const double> reduced_energy,
                           double reference_reduced_energy, double temperature, const std::string& origin);

}  // namespace boltzflow
