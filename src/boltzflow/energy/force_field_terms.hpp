// SPDX-License-Identifier: MIT
// What the SIMD force field and its reference share: checks, names and the parameters of a pair.
#pragma once
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow::energy {

/// bonds, angles, torsions, lennard-jones, coulomb, born, surface; in the order of ForceFieldTerm.
std::vector<std::string> force_field_term_names();

/// "22 atoms, 21 bonds, 36 angles, 52 torsions, 231 pairs, OBC1 with surface term".
std::string describe_force_field(const MolecularSystem& system);

/// @throws InputError if the system has no atoms, an index is out of range, a parameter is not finite, an angle or a
/// torsion repeats an atom, a periodicity is not in [1, 6], or a table has not one row per atom.
void check_system(const MolecularSystem& system);

/// @throws InputError unless n_positions = n_gradient = 3 n_atoms n_samples.
void check_sizes(int n_atoms, std::size_t n_positions, std::size_t n_samples, std::size_t n_gradient);

/// Returns n_samples. @throws InputError unless n_positions = 3 n_atoms n_samples and n_terms = 7 n_samples.
std::size_t check_terms_size(int n_atoms, std::size_t n_positions, std::size_t n_terms);

/// The system's exceptions by their atoms, i < j.
std::map<std::array<int, 2>, NonbondedException> exceptions_by_pair(const MolecularSystem& system);

struct PairParameters {
  double charge_product;  ///< e^2
  double sigma;           ///< nm
  double epsilon;         ///< kJ/mol
  double cutoff;          ///< nm; infinite for exceptions and where there is none
  double reaction_field;  ///< k of NonbondedCutoff, 1/nm^3; 0 without a cutoff
  double coulomb_shift;   ///< c of NonbondedCutoff, 1/nm; 0 without a cutoff
};

/// The exception of i < j if there is one, else the Lorentz-Berthelot mixture; zero where there are no nonbonded
/// particles.
PairParameters pair_parameters(const MolecularSystem& system,
                               const std::map<std::array<int, 2>, NonbondedException>& exceptions, int i, int j);

/// -K (1/eps_solute - 1/eps_solvent): times q_i q_j / f for a pair, half of it times q_i^2 / B_i for an atom.
double born_factor(const GeneralizedBorn& born);

/// born_factor times q_i q_j of the Born charges; 0 without Born.
double born_pair_factor(const MolecularSystem& system, int i, int j);

}  // namespace boltzflow::energy
