// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// This builds a three-dimensional structure of a molecule from its own parameters: every bond length and angle at its
/// equilibrium value, backbones extended (phi -140, proline about -60, psi 140, omega 180 degrees), side chains
/// staggered or in the plane as their bonds ask for and turned away from what is already there, planar rings planar.
/// Amino acids are L (stereocentres()). Rings close as well as equilibrium angles let them, to some hundredths of a
/// nanometre: minimise the energy before use. Disulphides between residues stay open (minimize_structure closes them).
/// @return [n_atoms, 3] nm, centred at the origin.
/// @throws InputError if a bond or an angle between bonds has no equilibrium value, the molecule has one atom only, or
///         equilibrium values leave a torsion undefined (three atoms in a line).
std::vector<double> start_structure(const MolecularSystem& system);

/// A centre and three of its neighbours, so ordered that r_1 . (r_2 x r_3) > 0 (vectors from the centre) in the natural
/// form: L for the alpha carbon, 2S,3S for isoleucine, 2S,3R for threonine; and pro-R CG1 of valine and CD1 of leucine,
/// which are labels rather than chemistry.
struct Stereocentre {
  int centre;
  std::array<int, 3> neighbours;
};

/// This lists the stereocentres that the names of atoms and residues tell of.
std::vector<Stereocentre> stereocentres(const MolecularSystem& system);

/// r_1 . (r_2 x r_3), nm^3. @param positions [n_atoms, 3] nm.
double signed_volume(const Stereocentre& stereocentre, std::span<const double> positions);

}  // namespace boltzflow
