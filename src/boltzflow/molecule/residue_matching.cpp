// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/residue_matching.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>
#include <set>
#include <tuple>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/residue_mismatch.hpp"

namespace boltzflow {
namespace {

/// The graph of one residue, atoms counted from its first.
class Matcher {
 public:
  Matcher(const Topology& topology, const std::vector<std::vector<int>>& bonded, const TopologyResidue& residue,
          const ResidueTemplate& candidate, const std::vector<AtomTypeDefinition>& types)
      : n_atoms_(residue.n_atoms), template_(candidate), inside_(n_atoms_), candidates_(n_atoms_) {
    std::vector<int> n_external(n_atoms_, 0);
    for (int i = 0; i < n_atoms_; ++i)
      for (int other : bonded[residue.first_atom + i]) {
        const int j = other - residue.first_atom;
        if (j >= 0 && j < n_atoms_)
          inside_[i].push_back(j);
        else
          ++n_external[i];
      }
    const auto element = [&](int i) -> const std::string& { return topology.atoms[residue.first_atom + i].element; };
    for (int i = 0; i < n_atoms_; ++i)
      for (int t = 0; t < n_atoms_; ++t)
        if (types[template_.atoms[t].type].element == element(i) &&
            template_.atoms[t].bonded.size() == inside_[i].size() &&
            template_.atoms[t].n_external_bonds == n_external[i])
          candidates_[i].push_back(t);
  }

  std::optional<std::vector<int>> match() {
    for (const auto& list : candidates_)
      if (list.empty()) return std::nullopt;
    find_order();
    match_.assign(n_atoms_, -1);
    taken_.assign(n_atoms_, 0);
    if (!place(0)) return std::nullopt;
    return match_;
  }

 private:
  void find_order() {
    using Entry = std::pair<std::size_t, int>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> reachable;
    std::vector<char> queued(n_atoms_, 0), ordered(n_atoms_, 0);
    while (static_cast<int>(order_.size()) < n_atoms_) {
      int next = -1;
      if (reachable.empty()) {
        for (int i = 0; i < n_atoms_; ++i)
          if (!ordered[i] && (next < 0 || candidates_[i].size() < candidates_[next].size())) next = i;
      } else {
        next = reachable.top().second;
        reachable.pop();
      }
      order_.push_back(next);
      ordered[next] = queued[next] = 1;
      for (int j : inside_[next])
        if (!queued[j]) {
          queued[j] = 1;
          reachable.push({candidates_[j].size(), j});
        }
    }
  }

  bool place(int position) {
    if (position == n_atoms_) return true;
    // A residue of one template's composition has a few dozen atoms, and symmetric choices fail at once or not at all.
    if (++n_steps_ > 1'000'000) return false;
    const int atom = order_[position];
    const std::vector<int>* choices = &candidates_[atom];
    for (int neighbour : inside_[atom])
      if (match_[neighbour] >= 0) {
        choices = &template_.atoms[match_[neighbour]].bonded;
        break;
      }
    for (int choice : *choices) {
      if (taken_[choice] ||
          std::find(candidates_[atom].begin(), candidates_[atom].end(), choice) == candidates_[atom].end())
        continue;
      const auto& bonded = template_.atoms[choice].bonded;
      const bool consistent = std::all_of(inside_[atom].begin(), inside_[atom].end(), [&](int neighbour) {
        return match_[neighbour] < 0 || std::find(bonded.begin(), bonded.end(), match_[neighbour]) != bonded.end();
      });
      if (!consistent) continue;
      match_[atom] = choice;
      taken_[choice] = 1;
      if (place(position + 1)) return true;
      match_[atom] = -1;
      taken_[choice] = 0;
    }
    return false;
  }

  int n_atoms_;
  const ResidueTemplate& template_;
  std::vector<std::vector<int>> inside_, candidates_;
  std::vector<int> order_, match_;
  std::vector<char> taken_;
  long n_steps_ = 0;
};

/// Counts of (element, bonds inside, bonds outside) must agree before it is worth looking for a match.
bool same_composition(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                      const TopologyResidue& residue, const ResidueTemplate& candidate,
                      const std::vector<AtomTypeDefinition>& types) {
  if (static_cast<std::size_t>(residue.n_atoms) != candidate.atoms.size()) return false;
  std::multiset<std::tuple<std::string, int, int>> ours, theirs;
  for (int i = residue.first_atom; i < residue.first_atom + residue.n_atoms; ++i) {
    int inside = 0;
    for (int j : bonded[i]) inside += j >= residue.first_atom && j < residue.first_atom + residue.n_atoms;
    ours.emplace(topology.atoms[i].element, inside, static_cast<int>(bonded[i].size()) - inside);
  }
  for (const auto& atom : candidate.atoms)
    theirs.emplace(types[atom.type].element, static_cast<int>(atom.bonded.size()), atom.n_external_bonds);
  return ours == theirs;
}

}  // namespace

std::optional<std::vector<int>> match_residue(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                                              const TopologyResidue& residue, const ResidueTemplate& candidate,
                                              const std::vector<AtomTypeDefinition>& types) {
  if (!same_composition(topology, bonded, residue, candidate, types)) return std::nullopt;
  return Matcher(topology, bonded, residue, candidate, types).match();
}

TemplateAssignment assign_templates(const Topology& topology, const ForceFieldDefinition& force_field) {
  const auto bonded = bonded_atoms(topology.n_atoms(), topology.bonds);
  TemplateAssignment out;
  for (const auto& residue : topology.residues) {
    int chosen = -1;
    std::vector<int> atoms;
    for (std::size_t t = 0; t < force_field.templates.size(); ++t) {
      const ResidueTemplate& candidate = force_field.templates[t];
      const auto match = match_residue(topology, bonded, residue, candidate, force_field.types);
      if (!match) continue;
      if (chosen < 0) {
        chosen = static_cast<int>(t);
        atoms = *match;
        continue;
      }
      const ResidueTemplate& first = force_field.templates[chosen];
      for (int i = 0; i < residue.n_atoms; ++i) {
        const TemplateAtom &a = first.atoms[atoms[i]], &b = candidate.atoms[(*match)[i]];
        if (a.type != b.type || a.charge != b.charge)
          throw InputError(
              residue.where,
              fmt::format("residue {} {} fits the templates {} and {} of {} alike, and they have different "
                          "parameters; leave one of the files out",
                          residue.name, residue.number, first.name, candidate.name, force_field.origin));
      }
    }
    if (chosen < 0) throw_residue_mismatch(topology, bonded, residue, force_field);
    out.residue_template.push_back(chosen);
    out.template_atom.insert(out.template_atom.end(), atoms.begin(), atoms.end());
  }
  return out;
}

}  // namespace boltzflow
