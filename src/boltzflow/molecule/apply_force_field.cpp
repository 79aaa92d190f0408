// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/apply_force_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/backbone_torsions.hpp"
#include "boltzflow/molecule/implicit_solvent.hpp"
#include "boltzflow/molecule/residue_matching.hpp"
#include "boltzflow/molecule/torsion_assignment.hpp"

namespace boltzflow {
namespace {

class SystemBuilder {
 public:
  SystemBuilder(const ForceFieldDefinition& force_field, const Topology& topology, const ForceFieldOptions& options)
      : force_field_(force_field),
        topology_(topology),
        options_(options),
        bonded_(bonded_atoms(topology.n_atoms(), topology.bonds)),
        templates_(assign_templates(topology, force_field)) {
    for (int i = 0; i < topology.n_atoms(); ++i) type_.push_back(template_atom(i).type);
  }

  MolecularSystem build() {
    system_.atoms = topology_.atoms;
    for (int i = 0; i < topology_.n_atoms(); ++i) system_.atoms[i].mass = force_field_.types[type_[i]].mass;
    system_.bonds = topology_.bonds;
    for (auto& [i, j] : system_.bonds)
      if (i > j) std::swap(i, j);
    std::sort(system_.bonds.begin(), system_.bonds.end());
    system_.positions = topology_.positions;
    bonds();
    angles();
    system_.periodic_torsions = proper_torsions(bonded_, type_, force_field_);
    const auto impropers = improper_torsions(topology_, bonded_, type_, templates_, force_field_);
    system_.periodic_torsions.insert(system_.periodic_torsions.end(), impropers.begin(), impropers.end());
    nonbonded();
    exceptions();
    solvent();
    find_backbone_torsions(system_);
    validate(system_, force_field_.origin);
    return std::move(system_);
  }

 private:
  const TemplateAtom& template_atom(int atom) const {
    return force_field_.templates[templates_.residue_template[topology_.residue_of[atom]]]
        .atoms[templates_.template_atom[atom]];
  }

  std::string label(int atom) const {
    const Atom& a = topology_.atoms[atom];
    return fmt::format("{} of {} {} (type {})", a.name, a.residue_name, a.residue_number,
                       force_field_.types[type_[atom]].name);
  }

  [[noreturn]] void fail_no_parameters(const char* what, std::initializer_list<int> atoms) const {
    std::string names;
    for (int atom : atoms) names += (names.empty() ? "" : ", ") + label(atom);
    throw InputError(topology_.residues[topology_.residue_of[*atoms.begin()]].where,
                     fmt::format("{} has no {} parameters for {}; choose another force field with --force-field",
                                 force_field_.origin, what, names));
  }

  /// The first definition that fits the types forwards or backwards.
  template <class Definitions, std::size_t n>
  auto find(const Definitions& definitions, const std::array<int, n>& atoms) const {
    return std::find_if(definitions.begin(), definitions.end(), [&](const auto& definition) {
      bool forward = true, backward = true;
      for (std::size_t k = 0; k < n; ++k) {
        forward = forward && definition.atoms[k].matches(force_field_.types, type_[atoms[k]]);
        backward = backward && definition.atoms[k].matches(force_field_.types, type_[atoms[n - 1 - k]]);
      }
      return forward || backward;
    });
  }

  void bonds() {
    for (const auto& [i, j] : system_.bonds) {
      const auto found = find(force_field_.bonds, std::array{i, j});
      if (found == force_field_.bonds.end()) fail_no_parameters("bond", {i, j});
      const bool fixed =
          options_.fix_hydrogen_bonds && (topology_.atoms[i].element == "H" || topology_.atoms[j].element == "H");
      if (fixed)
        system_.constraints.push_back({i, j, found->length});
      else if (found->force_constant != 0)
        system_.harmonic_bonds.push_back({i, j, found->length, found->force_constant});
    }
  }

  void angles() {
    for (int j = 0; j < topology_.n_atoms(); ++j)
      for (int i : bonded_[j])
        for (int k : bonded_[j]) {
          if (i >= k) continue;
          const auto found = find(force_field_.angles, std::array{i, j, k});
          if (found == force_field_.angles.end()) fail_no_parameters("angle", {i, j, k});
          if (found->force_constant != 0)
            system_.harmonic_angles.push_back({i, j, k, found->angle, found->force_constant});
        }
    std::sort(system_.harmonic_angles.begin(), system_.harmonic_angles.end(), [](const auto& a, const auto& b) {
      return std::array{a.i, a.j, a.k} < std::array{b.i, b.j, b.k};
    });
  }

  void nonbonded() {
    for (int i = 0; i < topology_.n_atoms(); ++i) {
      const auto found = force_field_.nonbonded.find(type_[i]);
      if (found == force_field_.nonbonded.end()) fail_no_parameters("nonbonded", {i});
      const std::optional<double> charge = found->second.charge ? found->second.charge : template_atom(i).charge;
      if (!charge) fail_no_parameters("charge", {i});
      system_.nonbonded.push_back({*charge, found->second.sigma, found->second.epsilon});
    }
    if (options_.cutoff) system_.cutoff = NonbondedCutoff{*options_.cutoff, 1.0};
  }

  /// Pairs at most two bonds apart do not interact, pairs three bonds apart are scaled.
  void exceptions() {
    for (int i = 0; i < topology_.n_atoms(); ++i) {
      std::set<int> near, far;
      for (int j : bonded_[i]) {
        near.insert(j);
        for (int k : bonded_[j]) {
          near.insert(k);
          far.insert(bonded_[k].begin(), bonded_[k].end());
        }
      }
      for (int j : near)
        if (j > i) system_.exceptions.push_back({i, j, 0.0, 1.0, 0.0});
      for (int j : far) {
        if (j <= i || near.contains(j)) continue;
        const NonbondedParticle &a = system_.nonbonded[i], &b = system_.nonbonded[j];
        system_.exceptions.push_back({i, j, force_field_.coulomb_scale_14 * a.charge * b.charge,
                                      0.5 * (a.sigma + b.sigma),
                                      force_field_.lennard_jones_scale_14 * std::sqrt(a.epsilon * b.epsilon)});
      }
    }
  }

  void solvent() {
    static constexpr const char* models[] = {"", "HCT", "OBC1", "OBC2", "GBn", "GBn2"};
    if (options_.solvent == ImplicitSolvent::vacuum) return;
    if (options_.solvent == ImplicitSolvent::of_types) {
      system_.generalized_born = implicit_solvent_of_types(force_field_, topology_, type_);
    } else {
      std::vector<double> charges;
      for (const auto& particle : system_.nonbonded) charges.push_back(particle.charge);
      system_.generalized_born = implicit_solvent(models[static_cast<int>(options_.solvent)], topology_, charges);
    }
    system_.generalized_born->cutoff = options_.cutoff;
  }

  const ForceFieldDefinition& force_field_;
  const Topology& topology_;
  const ForceFieldOptions& options_;
  std::vector<std::vector<int>> bonded_;
  TemplateAssignment templates_;
  std::vector<int> type_;  ///< [n_atoms]
  MolecularSystem system_;
};

}  // namespace

MolecularSystem apply_force_field(const ForceFieldDefinition& force_field, const Topology& topology,
                                  const ForceFieldOptions& options) {
  return SystemBuilder(force_field, topology, options).build();
}

}  // namespace boltzflow
