// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/backbone_torsions.hpp"

namespace boltzflow {

void find_backbone_torsions(MolecularSystem& system) {
  std::vector<std::vector<int>> neighbours(system.atoms.size());
  for (const auto& [i, j] : system.bonds) {
    neighbours[i].push_back(j);
    neighbours[j].push_back(i);
  }
  const auto same_residue = [&](int i, int j) {
    const Atom &a = system.atoms[i], &b = system.atoms[j];
    return a.residue_number == b.residue_number && a.chain == b.chain;
  };
  // The neighbour of `of` that has this name and is (or is not) of the residue of `of`; -1: there is none.
  const auto neighbour = [&](int of, const char* name, bool in_residue) {
    if (of < 0) return -1;
    for (int j : neighbours[of])
      if (system.atoms[j].name == name && same_residue(of, j) == in_residue) return j;
    return -1;
  };
  system.phi.clear();
  system.psi.clear();
  for (int alpha = 0; alpha < system.n_atoms(); ++alpha) {
    if (system.atoms[alpha].name != "CA") continue;
    const int nitrogen = neighbour(alpha, "N", true), carbon = neighbour(alpha, "C", true);
    const int previous = neighbour(nitrogen, "C", false), next = neighbour(carbon, "N", false);
    if (previous < 0 || next < 0) continue;
    system.phi.push_back({previous, nitrogen, alpha, carbon});
    system.psi.push_back({nitrogen, alpha, carbon, next});
  }
}

}  // namespace boltzflow
