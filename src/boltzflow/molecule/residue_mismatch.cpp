// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/residue_mismatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

/// Heavy atoms by name, each with the number of its hydrogens and of its bonds to other residues.
struct HeavyAtom {
  int n_hydrogens = 0, n_external = 0;
};
using Composition = std::map<std::string, HeavyAtom>;

Composition composition_of(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                           const TopologyResidue& residue) {
  Composition out;
  for (int i = residue.first_atom; i < residue.first_atom + residue.n_atoms; ++i) {
    if (topology.atoms[i].element == "H") continue;
    HeavyAtom& heavy = out[topology.atoms[i].name];
    for (int j : bonded[i]) {
      if (j < residue.first_atom || j >= residue.first_atom + residue.n_atoms)
        ++heavy.n_external;
      else if (topology.atoms[j].element == "H")
        ++heavy.n_hydrogens;
    }
  }
  return out;
}

Composition composition_of(const ResidueTemplate& residue, const std::vector<AtomTypeDefinition>& types) {
  Composition out;
  for (const auto& atom : residue.atoms) {
    if (types[atom.type].element == "H") continue;
    HeavyAtom& heavy = out[atom.name];
    heavy.n_external = atom.n_external_bonds;
    for (int j : atom.bonded) heavy.n_hydrogens += types[residue.atoms[j].type].element == "H";
  }
  return out;
}

/// What would have to change, a phrase each, and how much.
struct Difference {
  std::vector<std::string> phrases;
  int size = 0;
};

Difference difference(const Composition& ours, const Composition& theirs) {
  Difference out;
  const auto add = [&](int size, const std::string& phrase) {
    out.size += size;
    out.phrases.push_back(phrase);
  };
  for (const auto& [name, atom] : theirs)
    if (!ours.contains(name)) add(3, fmt::format("atom {} is missing", name));
  for (const auto& [name, atom] : ours) {
    const auto other = theirs.find(name);
    if (other == theirs.end()) {
      add(3, fmt::format("atom {} is not part of it", name));
      continue;
    }
    if (atom.n_hydrogens != other->second.n_hydrogens)
      add(std::abs(atom.n_hydrogens - other->second.n_hydrogens),
          fmt::format("{} has {} hydrogen{} where {} {} expected", name, atom.n_hydrogens,
                      atom.n_hydrogens == 1 ? "" : "s", other->second.n_hydrogens,
                      other->second.n_hydrogens == 1 ? "is" : "are"));
    if (atom.n_external != other->second.n_external)
      add(2, fmt::format("{} has {} bonds to other residues where {} are expected", name, atom.n_external,
                         other->second.n_external));
  }
  return out;
}

}  // namespace

void throw_residue_mismatch(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                            const TopologyResidue& residue, const ForceFieldDefinition& force_field) {
  const Composition ours = composition_of(topology, bonded, residue);
  // HIS and CYS stand for several templates.
  std::set<std::string> names{residue.name};
  if (residue.name == "HIS") names = {"HID", "HIE", "HIP"};
  if (residue.name == "CYS") names = {"CYS", "CYX"};
  const ResidueTemplate* nearest = nullptr;
  Difference smallest;
  for (const auto& candidate : force_field.templates)
    for (const auto& name : names) {
      if (candidate.name != name && candidate.name != "N" + name && candidate.name != "C" + name) continue;
      const Difference d = difference(ours, composition_of(candidate, force_field.types));
      if (!nearest || d.size < smallest.size) nearest = &candidate, smallest = d;
    }
  const std::string which = fmt::format("residue {} {}", residue.name, residue.number);
  if (!nearest)
    throw InputError(residue.where, fmt::format("{} is not known to {}; choose another force field with --force-field",
                                                which, force_field.origin));
  if (smallest.phrases.empty())
    throw InputError(residue.where, fmt::format("the bonds of {} are not those of template {} of {}", which,
                                                nearest->name, force_field.origin));
  std::string text;
  for (std::size_t n = 0; n < std::min<std::size_t>(smallest.phrases.size(), 4); ++n)
    text += (n == 0 ? "" : ", ") + smallest.phrases[n];
  if (smallest.phrases.size() > 4) text += fmt::format(" and {} more", smallest.phrases.size() - 4);
  throw InputError(
      residue.where,
      fmt::format("{} fits no template of {}; nearest is {}: {}; add missing atoms (for hydrogens: PDBFixer "
                  "or OpenMM's Modeller.addHydrogens) or rename the residue",
                  which, force_field.origin, nearest->name, text));
}

}  // namespace boltzflow
