// SPDX-License-Identifier: MIT
#pragma once

/// Units throughout boltzflow: nm, ps, amu, kJ/mol, rad, elementary charges, K. A reduced energy is U / (R T), in nats.
namespace boltzflow {

inline constexpr double gas_constant = 0.00831446261815324;  ///< R = k_B N_A, kJ/(mol K)
inline constexpr double pi = 3.14159265358979323846;
/// 1/(4 pi epsilon_0) in kJ nm/(mol e^2), from CODATA 2018: e^2 N_A / (4 pi epsilon_0).
inline constexpr double coulomb_constant = 138.93545764438198;

/// This returns RT in kJ/mol for a temperature in K.
inline constexpr double thermal_energy(double temperature) { return gas_constant * temperature; }

}  // namespace boltzflow
