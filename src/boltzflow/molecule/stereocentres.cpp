// SPDX-License-Identifier: MIT
#include <map>
#include <tuple>

#include "boltzflow/molecule/start_structure.hpp"

namespace boltzflow {
namespace {

struct NamedStereocentre {
  const char* residue;  ///< "" for all
  const char* centre;
  const char* neighbours[3];
};

// Neighbours in falling Cahn-Ingold-Prelog rank turn counter-clockwise (S) where the lowest, a hydrogen, points away:
// r_1 . (r_2 x r_3) > 0. For R two are exchanged here. Cysteine's sulphur makes it R without moving an atom.
constexpr NamedStereocentre named_stereocentres[] = {
    {"", "CA", {"N", "C", "CB"}},        {"ILE", "CB", {"CA", "CG1", "CG2"}}, {"THR", "CB", {"CA", "OG1", "CG2"}},
    {"VAL", "CB", {"CA", "CG2", "CG1"}}, {"LEU", "CG", {"CB", "CD2", "CD1"}},
};

}  // namespace

std::vector<Stereocentre> stereocentres(const MolecularSystem& system) {
  std::map<std::tuple<std::string, int, std::string>, int> atom_of;
  for (int i = 0; i < system.n_atoms(); ++i)
    atom_of.emplace(std::tuple(system.atoms[i].chain, system.atoms[i].residue_number, system.atoms[i].name), i);
  std::vector<Stereocentre> out;
  for (int i = 0; i < system.n_atoms(); ++i) {
    const Atom& atom = system.atoms[i];
    for (const auto& row : named_stereocentres) {
      if (atom.name != row.centre || (*row.residue != '\0' && atom.residue_name != row.residue)) continue;
      Stereocentre found{i, {}};
      bool complete = true;
      for (int n = 0; n < 3; ++n) {
        const auto neighbour = atom_of.find({atom.chain, atom.residue_number, row.neighbours[n]});
        complete = complete && neighbour != atom_of.end();
        if (complete) found.neighbours[n] = neighbour->second;
      }
      if (complete) out.push_back(found);
    }
  }
  return out;
}

double signed_volume(const Stereocentre& stereocentre, std::span<const double> positions) {
  double r[3][3];
  for (int n = 0; n < 3; ++n)
    for (int axis = 0; axis < 3; ++axis)
      r[n][axis] = positions[3 * stereocentre.neighbours[n] + axis] - positions[3 * stereocentre.centre + axis];
  return r[0][0] * (r[1][1] * r[2][2] - r[1][2] * r[2][1]) + r[0][1] * (r[1][2] * r[2][0] - r[1][0] * r[2][2]) +
         r[0][2] * (r[1][0] * r[2][1] - r[1][1] * r[2][0]);
}

}  // namespace boltzflow
