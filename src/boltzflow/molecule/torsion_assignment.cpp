// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/torsion_assignment.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "boltzflow/molecule/elements.hpp"

namespace boltzflow {
namespace {

using Atoms = std::array<int, 4>;
using Types = std::array<int, 4>;

bool fits(const TorsionDefinition& definition, const std::vector<AtomTypeDefinition>& types, const Types& t) {
  for (int n = 0; n < 4; ++n)
    if (!definition.atoms[n].matches(types, t[n])) return false;
  return true;
}

void add_terms(std::vector<PeriodicTorsion>& out, const Atoms& a, const TorsionDefinition& definition) {
  for (const auto& term : definition.terms)
    if (term.force_constant != 0)
      out.push_back({a[0], a[1], a[2], a[3], term.periodicity, term.phase, term.force_constant});
}

/// Finds the definition for a centre and its neighbours, and the order of the atoms.
class ImproperMatcher {
 public:
  ImproperMatcher(const Topology& topology, const std::vector<int>& type, const TemplateAssignment& templates,
                  const ForceFieldDefinition& force_field)
      : topology_(topology), type_(type), templates_(templates), force_field_(force_field) {}

  struct Match {
    Atoms atoms;
    const TorsionDefinition* definition;
  };

  /// `atoms`: the centre, then three neighbours in ascending order. The first definition that fits is taken unless a
  /// later one without wildcards fits, too.
  std::optional<Match> match(const Atoms& atoms) const {
    static constexpr int permutations[6][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
    std::optional<Match> found;
    for (const TorsionDefinition& definition : force_field_.impropers) {
      if (found && definition.has_wildcard()) continue;
      for (const auto& p : permutations) {
        const Atoms order{atoms[0], atoms[p[0]], atoms[p[1]], atoms[p[2]]};
        if (!fits(definition, force_field_.types, {type_[order[0]], type_[order[1]], type_[order[2]], type_[order[3]]}))
          continue;
        found = Match{ordered(order, definition), &definition};
        break;
      }
    }
    return found;
  }

 private:
  Atoms ordered(const Atoms& atoms, const TorsionDefinition& definition) const {
    const auto [centre, a, b, c] = atoms;
    switch (definition.ordering) {
      case ImproperOrdering::smirnoff:
        return atoms;
      case ImproperOrdering::charmm:
        if (!definition.has_wildcard()) return atoms;
        [[fallthrough]];
      case ImproperOrdering::standard:
        return by_element(centre, a, b, c);
      case ImproperOrdering::amber:
        return by_place(centre, a, b, c, definition.has_wildcard());
    }
    return atoms;
  }

  /// Of the two beside the centre: carbon before other elements, then heavy before light, then the lower index.
  Atoms by_element(int centre, int a, int b, int c) const {
    const std::string &element_a = topology_.atoms[a].element, &element_b = topology_.atoms[b].element;
    const bool exchanged =
        (element_a == element_b && a > b) ||
        (element_a != "C" && (element_b == "C" || element_mass(element_a) < element_mass(element_b)));
    return exchanged ? Atoms{b, a, centre, c} : Atoms{a, b, centre, c};
  }

  /// Atoms that could change places (same type, or same element where the definition has wildcards) come in the order
  /// of residues and of places in the template; with wildcards the first two do so in any case.
  Atoms by_place(int centre, int a, int b, int c, bool has_wildcard) const {
    const auto later = [&](int i, int j) {
      return std::pair(topology_.residue_of[i], templates_.template_atom[i]) >
             std::pair(topology_.residue_of[j], templates_.template_atom[j]);
    };
    // What stands in the three places when the comparison begins; exchanges do not change which places compare.
    const int type_a = type_[a], type_b = type_[b], type_c = type_[c];
    const std::string element_a = topology_.atoms[a].element, element_b = topology_.atoms[b].element,
                      element_c = topology_.atoms[c].element;
    const bool exchange_ac = has_wildcard ? element_a == element_c : type_a == type_c;
    const bool exchange_bc = has_wildcard ? element_b == element_c : type_b == type_c;
    const bool exchange_ab = has_wildcard || type_a == type_b;
    if (exchange_ac && later(a, c)) std::swap(a, c);
    if (exchange_bc && later(b, c)) std::swap(b, c);
    if (exchange_ab && later(a, b)) std::swap(a, b);
    return {a, b, centre, c};
  }

  const Topology& topology_;
  const std::vector<int>& type_;
  const TemplateAssignment& templates_;
  const ForceFieldDefinition& force_field_;
};

}  // namespace

std::vector<PeriodicTorsion> proper_torsions(const std::vector<std::vector<int>>& bonded, const std::vector<int>& type,
                                             const ForceFieldDefinition& force_field) {
  std::vector<Atoms> quadruples;
  const int n_atoms = static_cast<int>(bonded.size());
  for (int j = 0; j < n_atoms; ++j)
    for (int k : bonded[j])
      for (int i : bonded[j])
        for (int l : bonded[k])
          if (i != k && l != j && i < l) quadruples.push_back({i, j, k, l});
  std::sort(quadruples.begin(), quadruples.end());

  std::vector<PeriodicTorsion> out;
  std::map<Types, const TorsionDefinition*> known;
  for (const Atoms& a : quadruples) {
    const Types forward{type[a[0]], type[a[1]], type[a[2]], type[a[3]]};
    const Types backward{forward[3], forward[2], forward[1], forward[0]};
    const auto [entry, is_new] = known.emplace(std::min(forward, backward), nullptr);
    if (is_new)
      for (const auto& definition : force_field.propers) {
        if (!fits(definition, force_field.types, forward) && !fits(definition, force_field.types, backward)) continue;
        const bool has_wildcard = definition.has_wildcard();
        if (!entry->second || !has_wildcard) entry->second = &definition;
        if (!has_wildcard) break;
      }
    if (entry->second) add_terms(out, a, *entry->second);
  }
  return out;
}

std::vector<PeriodicTorsion> improper_torsions(const Topology& topology, const std::vector<std::vector<int>>& bonded,
                                               const std::vector<int>& type, const TemplateAssignment& templates,
                                               const ForceFieldDefinition& force_field) {
  const ImproperMatcher matcher(topology, type, templates, force_field);
  struct Choice {
    std::array<int, 4> place;  ///< of the matched atoms among centre and neighbours
    const TorsionDefinition* definition;
  };
  std::map<Types, std::optional<Choice>> known;
  std::vector<PeriodicTorsion> out;
  const auto add = [&](const Atoms& atoms) {
    const auto [entry, is_new] =
        known.try_emplace(Types{type[atoms[0]], type[atoms[1]], type[atoms[2]], type[atoms[3]]}, std::nullopt);
    if (is_new)
      if (const auto match = matcher.match(atoms)) {
        Choice choice{{}, match->definition};
        for (int n = 0; n < 4; ++n)
          choice.place[n] = static_cast<int>(std::find(atoms.begin(), atoms.end(), match->atoms[n]) - atoms.begin());
        entry->second = choice;
      }
    if (!entry->second) return;
    const auto& [place, definition] = *entry->second;
    const auto [a, b, c, d] = Atoms{atoms[place[0]], atoms[place[1]], atoms[place[2]], atoms[place[3]]};
    add_terms(out, {a, b, c, d}, *definition);
    if (definition->ordering == ImproperOrdering::smirnoff) {
      add_terms(out, {a, c, d, b}, *definition);
      add_terms(out, {a, d, b, c}, *definition);
    }
  };
  for (int centre = 0; centre < topology.n_atoms(); ++centre) {
    const auto& around = bonded[centre];
    for (std::size_t i = 0; i < around.size(); ++i)
      for (std::size_t j = i + 1; j < around.size(); ++j)
        for (std::size_t k = j + 1; k < around.size(); ++k) add({centre, around[i], around[j], around[k]});
  }
  return out;
}

}  // namespace boltzflow
