// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace boltzflow {

/// An atom type of a force field; its class groups types that share bonded parameters.
struct AtomTypeDefinition {
  std::string name;
  int atom_class;
  std::string element;  ///< symbol; empty for extra particles
  double mass;          ///< amu
};

/// An atom of a residue template.
struct TemplateAtom {
  std::string name;
  int type;                      ///< index into ForceFieldDefinition::types
  std::optional<double> charge;  ///< e, where the residue gives it
  std::vector<int> bonded;       ///< template atoms, in the order of the file: it decides among symmetric matches
  int n_external_bonds = 0;      ///< to atoms of other residues
  bool operator==(const TemplateAtom&) const = default;
};

/// A residue as a bond graph whose atoms have types.
struct ResidueTemplate {
  std::string name;
  std::vector<TemplateAtom> atoms;

  /// The index of the atom of this name, -1 if there is none.
  int find(const std::string& atom_name) const {
    for (std::size_t i = 0; i < atoms.size(); ++i)
      if (atoms[i].name == atom_name) return static_cast<int>(i);
    return -1;
  }
};

/// Which atom types a bonded parameter is for: one type, all of one class, or all there are.
struct AtomTypePattern {
  enum class Kind { type, atom_class, any } kind;
  int index;  ///< of the type or class

  bool matches(const std::vector<AtomTypeDefinition>& types, int type) const {
    return kind == Kind::any || (kind == Kind::type ? index == type : index == types[type].atom_class);
  }
};

struct BondDefinition {
  std::array<AtomTypePattern, 2> atoms;
  double length, force_constant;  ///< nm, kJ/mol/nm^2
};

struct AngleDefinition {
  std::array<AtomTypePattern, 3> atoms;
  double angle, force_constant;  ///< rad, kJ/mol/rad^2
};

/// How an improper torsion finds the order of its atoms, which the sum over symmetric atoms leaves open.
enum class ImproperOrdering { standard, charmm, amber, smirnoff };

struct TorsionDefinition {
  struct Term {
    int periodicity;
    double phase, force_constant;  ///< rad, kJ/mol
  };
  std::array<AtomTypePattern, 4> atoms;
  std::vector<Term> terms;
  ImproperOrdering ordering = ImproperOrdering::standard;  ///< of impropers, whose first atom is the centre

  bool has_wildcard() const {
    for (const auto& pattern : atoms)
      if (pattern.kind == AtomTypePattern::Kind::any) return true;
    return false;
  }
};

struct NonbondedDefinition {
  std::optional<double> charge;  ///< e; left out where residues give it
  double sigma, epsilon;         ///< nm, kJ/mol
};

/// Parameters of OpenMM's GBSAOBCForce by atom type.
struct BornDefinition {
  double charge, radius, scale;  ///< e, nm, 1
};

/// A force field as OpenMM's ForceField files define it: everything that turns a bond graph into an energy.
struct ForceFieldDefinition {
  std::string origin;  ///< the files, for errors
  std::vector<AtomTypeDefinition> types;
  std::vector<std::string> classes;
  std::vector<ResidueTemplate> templates;  ///< in the order of the files
  std::vector<BondDefinition> bonds;
  std::vector<AngleDefinition> angles;
  std::vector<TorsionDefinition> propers, impropers;
  std::map<int, NonbondedDefinition> nonbonded;  ///< by type
  double coulomb_scale_14 = 1, lennard_jones_scale_14 = 1;
  std::map<int, BornDefinition> born;  ///< by type; empty where no file has a GBSAOBCForce

  /// The template of this name, or nullptr.
  const ResidueTemplate* find_template(const std::string& name) const {
    for (const auto& candidate : templates)
      if (candidate.name == name) return &candidate;
    return nullptr;
  }
};

}  // namespace boltzflow
