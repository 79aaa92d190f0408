// SPDX-License-Identifier: MIT
#pragma once
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

/// Fills system.phi and system.psi from atom names and bonds: for every atom "CA" bonded to an "N" and a "C" of its
/// residue, phi = C(previous)-N-CA-C and psi = N-CA-C-N(next), where the neighbour of another residue is there (caps
/// count). Residues that have only one of the two, as at free termini, are left out, so that phi and psi go in pairs.
/// Without names nothing is found.
void find_backbone_torsions(MolecularSystem& system);

}  // namespace boltzflow
