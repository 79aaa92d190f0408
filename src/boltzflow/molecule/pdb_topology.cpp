// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/pdb_topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/pdb.hpp"
#include "boltzflow/molecule/residue_matching.hpp"

namespace boltzflow {
namespace {

struct AtomAlias {
  const char *residue, *name, *standard;  ///< residue "": any
};
constexpr AtomAlias aliases[] = {
    {"ILE", "CD", "CD1"}, {"NME", "C", "CH3"}, {"ACE", "CA", "CH3"}, {"", "OT1", "O"},
    {"", "OT2", "OXT"},   {"", "O1", "O"},     {"", "O2", "OXT"},
};

class PdbTopologyReader {
 public:
  PdbTopologyReader(const std::filesystem::path& path, const ForceFieldDefinition& force_field)
      : origin_(path.string()), force_field_(force_field), pdb_(read_pdb(path)) {}

  Topology read() {
    if (pdb_.alternate_location > 0)
      throw InputError(origin_, pdb_.alternate_location,
                       "this atom is an alternate location of another; keep one location of every atom");
    topology_.atoms = pdb_.atoms;
    topology_.positions.assign(pdb_.frames.positions.begin(), pdb_.frames.positions.begin() + 3 * topology_.n_atoms());
    if (std::none_of(topology_.atoms.begin(), topology_.atoms.end(), [](const Atom& a) { return a.element == "H"; }))
      throw InputError(origin_,
                       "there are no hydrogens in this file; add them, for example with PDBFixer or OpenMM's "
                       "Modeller.addHydrogens");
    split_residues();
    for (const auto& residue : topology_.residues) {
      bond_heavy_atoms(residue);
      bond_hydrogens(residue);
    }
    bond_residues();
    bond_sulphurs();
    name_hydrogens();
    return std::move(topology_);
  }

 private:
  [[noreturn]] void fail(int atom, const std::string& message) const {
    throw InputError(origin_, pdb_.records[atom].line, message);
  }
  std::string label(const TopologyResidue& r) const { return fmt::format("{} {}", r.name, r.number); }
  bool is_hydrogen(int atom) const { return topology_.atoms[atom].element == "H"; }

  double distance(int i, int j) const {
    double squared = 0;
    for (int axis = 0; axis < 3; ++axis) {
      const double d = topology_.positions[3 * i + axis] - topology_.positions[3 * j + axis];
      squared += d * d;
    }
    return std::sqrt(squared);
  }

  void split_residues() {
    for (int i = 0; i < topology_.n_atoms(); ++i) {
      const Atom& atom = topology_.atoms[i];
      if (pdb_.records[i].insertion_code != ' ')
        fail(i, fmt::format("residue {} {}{} has an insertion code, which is not supported; number the residues anew",
                            atom.residue_name, atom.residue_number, pdb_.records[i].insertion_code));
      const bool is_new = i == 0 || topology_.atoms[i - 1].residue_number != atom.residue_number ||
                          topology_.atoms[i - 1].residue_name != atom.residue_name ||
                          topology_.atoms[i - 1].chain != atom.chain ||
                          pdb_.records[i - 1].segment != pdb_.records[i].segment;
      if (is_new) {
        topology_.residues.push_back({atom.residue_name, atom.residue_number, atom.chain, i, 0,
                                      fmt::format("{}:{}", origin_, pdb_.records[i].line)});
        segment_.push_back(pdb_.records[i].segment);
      }
      ++topology_.residues.back().n_atoms;
      topology_.residue_of.push_back(static_cast<int>(topology_.residues.size()) - 1);
    }
  }

  /// The templates that a residue of this name may turn out to be.
  std::vector<const ResidueTemplate*> templates_named(const std::string& name) const {
    std::vector<std::string> names{name};
    if (name == "HIS") names = {"HID", "HIE", "HIP"};
    if (name == "CYS") names = {"CYS", "CYX", "CYM"};
    std::vector<const ResidueTemplate*> out;
    for (const auto& base : names)
      for (const char* end : {"", "N", "C"})
        if (const auto* found = force_field_.find_template(end + base)) out.push_back(found);
    return out;
  }

  void bond_heavy_atoms(const TopologyResidue& residue) {
    const auto templates = templates_named(residue.name);
    if (templates.empty())
      fail(residue.first_atom, fmt::format("residue {} is not known to {}; choose another force field with "
                                           "--force-field, or remove the residue",
                                           label(residue), force_field_.origin));
    const auto is_known = [&](const std::string& name) {
      return std::any_of(templates.begin(), templates.end(), [&](const auto* t) { return t->find(name) >= 0; });
    };
    std::map<std::string, int> heavy;
    std::set<std::string> names;
    const int end = residue.first_atom + residue.n_atoms;
    for (int i = residue.first_atom; i < end; ++i) {
      Atom& atom = topology_.atoms[i];
      if (!names.insert(atom.name).second)
        fail(i, fmt::format("residue {} has two atoms named {}", label(residue), atom.name));
      if (is_hydrogen(i)) continue;
      for (const auto& alias : aliases)
        if (!is_known(atom.name) && atom.name == alias.name &&
            (*alias.residue == '\0' || residue.name == alias.residue) && is_known(alias.standard))
          atom.name = alias.standard;
      if (!is_known(atom.name)) {
        std::string known;
        for (const auto& other : templates[0]->atoms)
          if (force_field_.types[other.type].element != "H") known += (known.empty() ? "" : ", ") + other.name;
        fail(i, fmt::format("atom {} \"{}\" is not part of residue {} (it has {}); rename it or choose another force "
                            "field with --force-field",
                            i + 1, atom.name, label(residue), known));
      }
      if (!heavy.emplace(atom.name, i).second)
        fail(i, fmt::format("residue {} has two atoms {}", label(residue), atom.name));
    }
    std::set<std::array<int, 2>> bonds;
    for (const auto* t : templates)
      for (const auto& atom : t->atoms)
        for (int other : atom.bonded) {
          const auto i = heavy.find(atom.name), j = heavy.find(t->atoms[other].name);
          if (i != heavy.end() && j != heavy.end() && i->second < j->second) bonds.insert({i->second, j->second});
        }
    topology_.bonds.insert(topology_.bonds.end(), bonds.begin(), bonds.end());
  }

  void bond_hydrogens(const TopologyResidue& residue) {
    constexpr double longest = 0.15;  // nm; H-S is 0.134
    const int end = residue.first_atom + residue.n_atoms;
    for (int h = residue.first_atom; h < end; ++h) {
      if (!is_hydrogen(h)) continue;
      int nearest = -1;
      for (int i = residue.first_atom; i < end; ++i)
        if (!is_hydrogen(i) && (nearest < 0 || distance(h, i) < distance(h, nearest))) nearest = i;
      if (nearest < 0 || distance(h, nearest) > longest)
        fail(h, nearest < 0 ? fmt::format("residue {} has hydrogens only", label(residue))
                            : fmt::format("hydrogen {} of residue {} is {:.3f} nm from its nearest heavy atom {}: too "
                                          "far for a bond",
                                          topology_.atoms[h].name, label(residue), distance(h, nearest),
                                          topology_.atoms[nearest].name));
      topology_.bonds.push_back({std::min(h, nearest), std::max(h, nearest)});
    }
  }

  int find(const TopologyResidue& residue, const char* name) const {
    for (int i = residue.first_atom; i < residue.first_atom + residue.n_atoms; ++i)
      if (topology_.atoms[i].name == name) return i;
    return -1;
  }

  void bond_residues() {
    constexpr double longest = 0.2;  // nm; a peptide bond is 0.133
    for (std::size_t n = 1; n < topology_.residues.size(); ++n) {
      const TopologyResidue &before = topology_.residues[n - 1], &residue = topology_.residues[n];
      if (before.chain != residue.chain || segment_[n - 1] != segment_[n]) continue;
      const int carbon = find(before, "C"), nitrogen = find(residue, "N");
      if (carbon < 0 || nitrogen < 0)
        fail(residue.first_atom, fmt::format("residue {} cannot be joined to {}: atom {} is missing", label(residue),
                                             label(before), carbon < 0 ? "C of the latter" : "N of the former"));
      if (distance(carbon, nitrogen) > longest)
        fail(nitrogen,
             fmt::format("N of residue {} is {:.3f} nm from C of {}: the chain is broken, perhaps residues are "
                         "missing",
                         label(residue), distance(carbon, nitrogen), label(before)));
      topology_.bonds.push_back({carbon, nitrogen});
    }
  }

  int cysteine_sulphur(const TopologyResidue& residue) const {
    return residue.name == "CYS" || residue.name == "CYX" ? find(residue, "SG") : -1;
  }

  int sulphur_of(const PdbDisulphide& bond, int end) const {
    for (const auto& residue : topology_.residues)
      if (residue.chain == bond.chain[end] && residue.number == bond.residue_number[end])
        if (const int sulphur = cysteine_sulphur(residue); sulphur >= 0) return sulphur;
    throw InputError(origin_, bond.line,
                     fmt::format("this record bonds residue {} of chain \"{}\", but the file has no SG of a cysteine "
                                 "there; correct or remove the record",
                                 bond.residue_number[end], bond.chain[end]));
  }

  /// Disulphides that the file names (SSBOND, CONECT), then those of other sulphurs without hydrogens that are near
  /// enough, the nearest first.
  void bond_sulphurs() {
    constexpr double longest = 0.3;  // nm; a disulphide bond is 0.204, and sulphurs do not touch before 0.36
    std::set<int> sulphurs;
    for (const auto& residue : topology_.residues)
      if (const int sulphur = cysteine_sulphur(residue); sulphur >= 0) sulphurs.insert(sulphur);
    std::set<std::pair<int, int>> bonds;
    for (const auto& bond : pdb_.disulphides) {
      const int i = sulphur_of(bond, 0), j = sulphur_of(bond, 1);
      if (i == j) throw InputError(origin_, bond.line, "this record bonds a residue to itself");
      bonds.insert(std::minmax(i, j));
    }
    for (const auto& [i, j] : pdb_.bonds)
      if (sulphurs.contains(i) && sulphurs.contains(j)) bonds.insert({i, j});
    const auto bonded = bonded_atoms(topology_.n_atoms(), topology_.bonds);
    std::erase_if(sulphurs, [&](int i) {
      return bonded[i].size() != 1 ||
             std::ranges::any_of(bonds, [&](const auto& bond) { return bond.first == i || bond.second == i; });
    });
    std::set<std::tuple<double, int, int>> near;
    for (const int i : sulphurs)
      for (const int j : sulphurs)
        if (i < j && distance(i, j) < longest) near.emplace(distance(i, j), i, j);
    for (const auto& [_, i, j] : near) {
      if (!sulphurs.contains(i) || !sulphurs.contains(j)) continue;
      bonds.insert({i, j});
      sulphurs.erase(i);
      sulphurs.erase(j);
    }
    if (!sulphurs.empty()) {
      const int bare = *sulphurs.begin();
      fail(bare,
           fmt::format("SG of residue {} has no hydrogen, and no other sulphur is within {} nm; add the hydrogen, "
                       "name its disulphide in an SSBOND record, or call the residue CYM if it is charged",
                       label(topology_.residues[topology_.residue_of[bare]]), longest));
    }
    for (const auto& [i, j] : bonds) topology_.bonds.push_back({i, j});
  }

  /// Files number hydrogens in several ways (HB1, HB2 for HB2, HB3; 1HH3): names of a residue that are not the
  /// template's are replaced, those on one heavy atom in alphabetical order.
  void name_hydrogens() {
    const TemplateAssignment assigned = assign_templates(topology_, force_field_);
    const auto bonded = bonded_atoms(topology_.n_atoms(), topology_.bonds);
    for (std::size_t r = 0; r < topology_.residues.size(); ++r) {
      const TopologyResidue& residue = topology_.residues[r];
      const ResidueTemplate& known = force_field_.templates[assigned.residue_template[r]];
      const int end = residue.first_atom + residue.n_atoms;
      bool standard = true;
      for (int i = residue.first_atom; i < end; ++i) standard = standard && known.find(topology_.atoms[i].name) >= 0;
      if (standard) continue;
      for (int i = residue.first_atom; i < end; ++i) {
        const int heavy = is_hydrogen(i) ? -1 : known.find(topology_.atoms[i].name);
        if (heavy < 0) continue;
        std::vector<int> hydrogens;
        std::vector<std::string> names;
        for (int j : bonded[i])
          if (is_hydrogen(j)) hydrogens.push_back(j);
        for (int j : known.atoms[heavy].bonded)
          if (force_field_.types[known.atoms[j].type].element == "H") names.push_back(known.atoms[j].name);
        if (names.size() != hydrogens.size()) continue;  // a symmetric match under other names
        std::stable_sort(hydrogens.begin(), hydrogens.end(),
                         [&](int a, int b) { return topology_.atoms[a].name < topology_.atoms[b].name; });
        std::sort(names.begin(), names.end());
        for (std::size_t n = 0; n < names.size(); ++n) topology_.atoms[hydrogens[n]].name = names[n];
      }
    }
  }

  std::string origin_;
  const ForceFieldDefinition& force_field_;
  PdbFile pdb_;
  Topology topology_;
  std::vector<int> segment_;  ///< of every residue
};

}  // namespace

Topology pdb_topology(const std::filesystem::path& path, const ForceFieldDefinition& force_field) {
  return PdbTopologyReader(path, force_field).read();
}

}  // namespace boltzflow
