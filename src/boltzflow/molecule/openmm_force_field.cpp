// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/openmm_force_field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <unordered_map>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/elements.hpp"
#include "boltzflow/molecule/force_field_files.hpp"
#include "boltzflow/molecule/xml_source.hpp"

namespace boltzflow {
namespace {

namespace fs = std::filesystem;

struct Document {
  fs::path path;
  std::string text;
  XmlSource xml;
  explicit Document(const fs::path& file) : path(file), text(read_file(file)), xml(text, file.string()) {}
};

class ForceFieldReader {
 public:
  ForceFieldReader(std::span<const fs::path> files, std::span<const fs::path> folders)
      : folders_(folders.begin(), folders.end()) {
    for (const auto& file : files) open(file);
  }

  ForceFieldDefinition read() {
    for (const auto& document : documents_) {
      xml_ = &document->xml;
      force_field_.origin += (force_field_.origin.empty() ? "" : ", ") + document->path.filename().string();
      check_sections();
      for (const auto& list : root().children("AtomTypes"))
        for (const auto& type : list.children("Type")) read_type(type);
    }
    for (const auto& document : documents_) {
      xml_ = &document->xml;
      for (const auto& list : root().children("Residues"))
        for (const auto& residue : list.children("Residue")) read_residue(residue);
    }
    for (const auto& document : documents_) {
      xml_ = &document->xml;
      for (const auto& force : root().children()) read_force(force);
    }
    return std::move(force_field_);
  }

 private:
  pugi::xml_node root() const { return xml_->document().child("ForceField"); }

  /// Opens a file and what it includes, each once.
  void open(const fs::path& file) {
    std::error_code ignored;
    const fs::path canonical = fs::weakly_canonical(file, ignored);
    if (!opened_.insert(canonical).second) return;
    if (documents_.size() == 100) throw InputError(file.string(), "a force field of more than 100 files is not read");
    documents_.push_back(std::make_unique<Document>(file));
    const Document& document = *documents_.back();
    const pugi::xml_node top = document.xml.document().child("ForceField");
    if (!top) throw InputError(file.string(), "this is not an OpenMM force field (it has no <ForceField> element)");
    for (const auto& include : top.children("Include")) {
      const fs::path name = include.attribute("file").value();
      if (name.empty()) document.xml.fail(include, "<Include> has no attribute file");
      const fs::path beside = file.parent_path() / name;
      open(fs::is_regular_file(beside, ignored) ? beside : find_force_field_file(name.string(), folders_));
    }
  }

  void check_sections() const {
    static const std::set<std::string_view> known{
        "AtomTypes",         "Residues",           "Include",        "Info",
        "HarmonicBondForce", "HarmonicAngleForce", "NonbondedForce", "PeriodicTorsionForce",
        "GBSAOBCForce"};
    for (const auto& section : root().children()) {
      if (section.type() != pugi::node_element || known.contains(section.name())) continue;
      const bool script = std::string_view(section.name()).find("Script") != std::string_view::npos;
      xml_->fail(
          section,
          fmt::format("the section <{}> is not supported ({}); supported are AtomTypes, Residues, Include, "
                      "HarmonicBondForce, HarmonicAngleForce, PeriodicTorsionForce, NonbondedForce, GBSAOBCForce",
                      std::string(section.name()).substr(0, 60),
                      script ? "a program in Python; for OpenMM's implicit/*.xml choose a solvent by its name"
                             : "choose a force field without it"));
    }
  }

  void read_type(const pugi::xml_node& node) {
    AtomTypeDefinition type;
    type.name = text(node, "name");
    type.atom_class = class_of(node.attribute("class").value());
    type.element = node.attribute("element").value();
    if (!type.element.empty() && element_mass(type.element) == 0)
      xml_->fail(node, fmt::format("element=\"{}\" is not an element", type.element.substr(0, 20)));
    type.mass = xml_->real(node, "mass");
    if (!type_index_.emplace(type.name, static_cast<int>(force_field_.types.size())).second)
      xml_->fail(node, fmt::format("the atom type \"{}\" is defined twice", type.name));
    force_field_.types.push_back(std::move(type));
  }

  int class_of(const std::string& name) {
    const auto [entry, is_new] = class_index_.emplace(name, static_cast<int>(force_field_.classes.size()));
    if (is_new) force_field_.classes.push_back(name);
    return entry->second;
  }

  void read_residue(const pugi::xml_node& node) {
    ResidueTemplate residue;
    residue.name = text(node, "name");
    for (const auto& child : node.children()) {
      const std::string_view tag = child.name();
      if (child.type() == pugi::node_element && tag != "Atom" && tag != "Bond" && tag != "ExternalBond")
        xml_->fail(child, fmt::format("<{}> in residue {} is not supported", tag.substr(0, 60), residue.name));
    }
    for (const auto& child : node.children("Atom")) {
      TemplateAtom atom;
      atom.name = text(child, "name");
      const auto type = type_index_.find(text(child, "type"));
      if (type == type_index_.end())
        xml_->fail(child, fmt::format("the type \"{}\" of atom {} of residue {} is not defined",
                                      child.attribute("type").value(), atom.name, residue.name));
      atom.type = type->second;
      if (child.attribute("charge")) atom.charge = xml_->real(child, "charge");
      if (residue.find(atom.name) >= 0)
        xml_->fail(child, fmt::format("residue {} has two atoms {}", residue.name, atom.name));
      residue.atoms.push_back(std::move(atom));
    }
    for (const auto& bond : node.children("Bond")) {
      const int i = template_atom(bond, residue, "atomName1", "from");
      const int j = template_atom(bond, residue, "atomName2", "to");
      residue.atoms[i].bonded.push_back(j);
      residue.atoms[j].bonded.push_back(i);
    }
    for (const auto& bond : node.children("ExternalBond"))
      ++residue.atoms[template_atom(bond, residue, "atomName", "from")].n_external_bonds;
    if (!template_names_.insert(residue.name).second)
      xml_->fail(node, fmt::format("the residue {} is defined twice", residue.name));
    force_field_.templates.push_back(std::move(residue));
  }

  /// An end of a bond, by the name of the atom or by its number.
  int template_atom(const pugi::xml_node& node, const ResidueTemplate& residue, const char* by_name,
                    const char* by_index) const {
    const int n_atoms = static_cast<int>(residue.atoms.size());
    const int index =
        node.attribute(by_name) ? residue.find(node.attribute(by_name).value()) : xml_->integer(node, by_index);
    if (index < 0 || index >= n_atoms)
      xml_->fail(node, fmt::format("this <{}> names an atom that residue {} has not", node.name(), residue.name));
    return index;
  }

  void read_force(const pugi::xml_node& force) {
    const std::string_view section = force.name();
    if (section == "HarmonicBondForce") {
      for (const auto& node : force.children("Bond"))
        if (const auto atoms = patterns<2>(node))
          force_field_.bonds.push_back({*atoms, xml_->real(node, "length"), xml_->real(node, "k")});
    } else if (section == "HarmonicAngleForce") {
      for (const auto& node : force.children("Angle"))
        if (const auto atoms = patterns<3>(node))
          force_field_.angles.push_back({*atoms, xml_->real(node, "angle"), xml_->real(node, "k")});
    } else if (section == "PeriodicTorsionForce") {
      for (const auto& node : force.children("Proper"))
        if (auto torsion = read_torsion(node)) force_field_.propers.push_back(std::move(*torsion));
      for (const auto& node : force.children("Improper"))
        if (auto torsion = read_torsion(node)) {
          torsion->ordering = read_ordering(force);
          force_field_.impropers.push_back(std::move(*torsion));
        }
    } else if (section == "NonbondedForce") {
      read_nonbonded(force);
    } else if (section == "GBSAOBCForce") {
      for (const auto& node : force.children("Atom")) {
        const BornDefinition born{xml_->real(node, "charge"), xml_->real(node, "radius"), xml_->real(node, "scale")};
        for_each_type(node, [&](int type) { force_field_.born[type] = born; });
      }
    }
  }

  ImproperOrdering read_ordering(const pugi::xml_node& force) const {
    const pugi::xml_attribute found = force.attribute("ordering");
    const std::string_view ordering = found ? found.value() : "default";
    if (ordering == "default") return ImproperOrdering::standard;
    if (ordering == "charmm") return ImproperOrdering::charmm;
    if (ordering == "amber") return ImproperOrdering::amber;
    if (ordering == "smirnoff") return ImproperOrdering::smirnoff;
    xml_->fail(force, fmt::format("ordering=\"{}\" is not default, charmm, amber or smirnoff", ordering.substr(0, 40)));
  }

  std::optional<TorsionDefinition> read_torsion(const pugi::xml_node& node) const {
    const auto atoms = patterns<4>(node);
    if (!atoms) return std::nullopt;
    TorsionDefinition torsion{*atoms, {}, ImproperOrdering::standard};
    for (int n = 1; node.attribute(fmt::format("phase{}", n).c_str()); ++n)
      torsion.terms.push_back({xml_->integer(node, fmt::format("periodicity{}", n).c_str()),
                               xml_->real(node, fmt::format("phase{}", n).c_str()),
                               xml_->real(node, fmt::format("k{}", n).c_str())});
    return torsion;
  }

  void read_nonbonded(const pugi::xml_node& force) {
    const double coulomb = xml_->real(force, "coulomb14scale"), lennard_jones = xml_->real(force, "lj14scale");
    // OpenMM, too, keeps the scales of the first file and lets others differ in the sixth digit.
    constexpr double tolerance = 1e-5;
    if (!has_nonbonded_) {
      force_field_.coulomb_scale_14 = coulomb;
      force_field_.lennard_jones_scale_14 = lennard_jones;
    } else if (std::abs(coulomb - force_field_.coulomb_scale_14) > tolerance ||
               std::abs(lennard_jones - force_field_.lennard_jones_scale_14) > tolerance) {
      xml_->fail(force, "the 1-4 scales of this NonbondedForce are not those of the file before");
    }
    has_nonbonded_ = true;
    bool charge_from_residue = false;
    for (const auto& node : force.children("UseAttributeFromResidue")) {
      if (std::string_view(node.attribute("name").value()) != "charge")
        xml_->fail(node, "only name=\"charge\" is supported here");
      charge_from_residue = true;
    }
    for (const auto& node : force.children("Atom")) {
      NonbondedDefinition atom{std::nullopt, xml_->real(node, "sigma"), xml_->real(node, "epsilon")};
      if (!charge_from_residue) atom.charge = xml_->real(node, "charge");
      for_each_type(node, [&](int type) { force_field_.nonbonded[type] = atom; });
    }
  }

  /// Calls function(type) for the types that the attributes type or class of a node name.
  template <class Function>
  void for_each_type(const pugi::xml_node& node, Function function) const {
    const auto pattern = pattern_of(node, "type", "class");
    if (!pattern) return;
    for (int type = 0; type < static_cast<int>(force_field_.types.size()); ++type)
      if (pattern->matches(force_field_.types, type)) function(type);
  }

  template <std::size_t n>
  std::optional<std::array<AtomTypePattern, n>> patterns(const pugi::xml_node& node) const {
    std::array<AtomTypePattern, n> out{};
    for (std::size_t i = 0; i < n; ++i) {
      const auto pattern =
          pattern_of(node, fmt::format("type{}", i + 1).c_str(), fmt::format("class{}", i + 1).c_str());
      if (!pattern) return std::nullopt;
      out[i] = *pattern;
    }
    return out;
  }

  std::optional<AtomTypePattern> pattern_of(const pugi::xml_node& node, const char* type,
                                            const char* atom_class) const {
    using Kind = AtomTypePattern::Kind;
    const pugi::xml_attribute by_type = node.attribute(type), by_class = node.attribute(atom_class);
    if (by_type && by_class) xml_->fail(node, fmt::format("this has both {} and {}", type, atom_class));
    if (!by_type && !by_class)
      xml_->fail(node, fmt::format("<{}> has no attribute {} or {}", node.name(), type, atom_class));
    const std::string name = by_type ? by_type.value() : by_class.value();
    if (name.empty()) return AtomTypePattern{Kind::any, -1};
    const auto& index = by_type ? type_index_ : class_index_;
    const auto found = index.find(name);
    if (found == index.end()) return std::nullopt;
    return AtomTypePattern{by_type ? Kind::type : Kind::atom_class, found->second};
  }

  std::string text(const pugi::xml_node& node, const char* attribute) const {
    const std::string value = node.attribute(attribute).value();
    if (value.empty()) xml_->fail(node, fmt::format("<{}> has no attribute {}", node.name(), attribute));
    return value;
  }

  std::vector<fs::path> folders_;
  std::vector<std::unique_ptr<Document>> documents_;
  std::set<fs::path> opened_;
  const XmlSource* xml_ = nullptr;
  ForceFieldDefinition force_field_;
  std::unordered_map<std::string, int> type_index_, class_index_;
  std::set<std::string> template_names_;
  bool has_nonbonded_ = false;
};

}  // namespace

ForceFieldDefinition read_openmm_force_field(std::span<const fs::path> files, std::span<const fs::path> folders) {
  return ForceFieldReader(files, folders).read();
}

}  // namespace boltzflow
