// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/gromacs_topology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/backbone_torsions.hpp"
#include "boltzflow/molecule/elements.hpp"
#include "boltzflow/molecule/gro.hpp"
#include "boltzflow/molecule/implicit_solvent.hpp"
#include "boltzflow/molecule/text_number.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {
namespace {

constexpr double degree = pi / 180;

/// A line without its comment, in words.
struct Line {
  long number = 0;
  std::vector<std::string_view> words;
};
using Sections = std::map<std::string, std::vector<Line>, std::less<>>;

constexpr std::string_view file_sections[] = {"defaults",   "atomtypes",     "bondtypes", "pairtypes",
                                              "angletypes", "dihedraltypes", "system",    "molecules"};
constexpr std::string_view molecule_sections[] = {"moleculetype", "atoms",     "bonds",     "pairs",
                                                  "angles",       "dihedrals", "exclusions"};

struct AtomType {
  std::string bonded;
  int atomic_number;
  double mass, sigma, epsilon;
};

class GromacsReader {
 public:
  GromacsReader(std::string_view text, std::string origin) : origin_(std::move(origin)) { split(text); }

  MolecularSystem read() {
    read_defaults();
    read_atom_types();
    choose_molecule();
    read_atoms();
    read_bonds();
    read_angles();
    read_dihedrals();
    read_exceptions();
    derive_elements(system_);
    find_backbone_torsions(system_);
    return std::move(system_);
  }

 private:
  [[noreturn]] void fail(long line, const std::string& message) const { throw InputError(origin_, line, message); }

  void split(std::string_view text) {
    Sections* scope = &file_;
    std::string section;
    for (long number = 1; !text.empty(); ++number) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      line = trimmed(line.substr(0, line.find(';')));
      if (line.empty()) continue;
      if (line[0] == '#' || line.back() == '\\')
        fail(number, "this file needs GROMACS's preprocessor; `gmx grompp -pp processed.top` writes one that does not");
      if (line[0] == '[') {
        section = trimmed(line.substr(1, line.find(']') - 1));
        if (section == "moleculetype")
          scope = &molecules_.emplace_back();
        else if (std::ranges::find(file_sections, section) != std::end(file_sections))
          scope = &file_;
        else if (std::ranges::find(molecule_sections, section) == std::end(molecule_sections))
          fail(number, fmt::format("the section [ {} ] is not supported", section));
        else if (molecules_.empty())
          fail(number, fmt::format("the section [ {} ] stands before any [ moleculetype ]", section));
        else
          scope = &molecules_.back();
        continue;
      }
      if (section.empty()) fail(number, "this is not a GROMACS topology: it does not begin with a section");
      Line& words = (*scope)[section].emplace_back();
      words.number = number;
      while (!line.empty()) {
        const std::size_t length = std::min(line.find_first_of(" \t"), line.size());
        words.words.push_back(line.substr(0, length));
        line = trimmed(line.substr(length));
      }
    }
  }

  const std::vector<Line>& lines(const Sections& scope, std::string_view section) const {
    static const std::vector<Line> none;
    const auto found = scope.find(section);
    return found == scope.end() ? none : found->second;
  }

  double real(const Line& line, std::size_t column) const {
    if (column >= line.words.size()) fail(line.number, fmt::format("field {} is missing in this line", column + 1));
    const auto value = number_in<double>(line.words[column]);
    if (!value) fail(line.number, fmt::format("\"{}\" is not a number", line.words[column]));
    return *value;
  }
  int integer(const Line& line, std::size_t column) const {
    const double value = real(line, column);
    if (value != std::floor(value) || std::abs(value) > 1e9)
      fail(line.number, fmt::format("\"{}\" is not an integer", line.words[column]));
    return static_cast<int>(value);
  }

  void read_defaults() {
    const auto& defaults = lines(file_, "defaults");
    if (defaults.size() != 1)
      throw InputError(origin_, fmt::format("there are {} lines in [ defaults ] where one is needed", defaults.size()));
    const Line& line = defaults[0];
    if (integer(line, 0) != 1 || integer(line, 1) != 2)
      fail(line.number,
           "only nonbonded function 1 with combination rule 2 (sigma, epsilon; Lorentz-Berthelot) is "
           "supported");
    generate_pairs_ = line.words.size() > 2 && (line.words[2] == "yes" || line.words[2] == "Yes");
    if (line.words.size() > 3) scale_lennard_jones_ = real(line, 3);
    if (line.words.size() > 4) scale_coulomb_ = real(line, 4);
  }

  /// name [bonded type] [atomic number] mass charge A sigma epsilon
  void read_atom_types() {
    for (const Line& line : lines(file_, "atomtypes")) {
      const std::size_t n = line.words.size();
      if (n < 6 || n > 8 || line.words[n - 3] != "A")
        fail(line.number,
             "an atom type is a name, perhaps a bonded type and an atomic number, mass, charge, A, sigma "
             "and epsilon");
      AtomType type{std::string(line.words[0]), 0, real(line, n - 5), real(line, n - 2), real(line, n - 1)};
      for (std::size_t column = 1; column < n - 5; ++column)
        if (column + 1 == n - 5 && number_in<int>(line.words[column]))
          type.atomic_number = integer(line, column);
        else
          type.bonded = line.words[column];
      types_[std::string(line.words[0])] = type;
    }
  }

  void choose_molecule() {
    const auto& chosen = lines(file_, "molecules");
    if (chosen.size() != 1 || integer(chosen[0], 1) != 1)
      throw InputError(origin_, "[ molecules ] must name one molecule, once: a topology of several is not supported");
    for (const Sections& molecule : molecules_) {
      const auto& head = lines(molecule, "moleculetype");
      if (head.size() != 1 || head[0].words[0] != chosen[0].words[0]) continue;
      if (integer(head[0], 1) != 3) fail(head[0].number, "only nrexcl 3 is supported");
      molecule_ = &molecule;
      return;
    }
    fail(chosen[0].number, fmt::format("there is no [ moleculetype ] {}", chosen[0].words[0]));
  }

  /// nr type resnr residue atom cgnr charge [mass]
  void read_atoms() {
    for (const Line& line : lines(*molecule_, "atoms")) {
      if (line.words.size() < 7 || line.words.size() > 8)
        fail(line.number, "an atom has 7 fields, or 8 with its mass (perturbed atoms are not supported)");
      if (integer(line, 0) != system_.n_atoms() + 1)
        fail(line.number, fmt::format("atom {} follows atom {}", line.words[0], system_.n_atoms()));
      const auto type = types_.find(std::string(line.words[1]));
      if (type == types_.end()) fail(line.number, fmt::format("there is no atom type {}", line.words[1]));
      Atom atom;
      atom.name = line.words[4];
      atom.residue_name = line.words[3];
      atom.residue_number = integer(line, 2);
      atom.mass = line.words.size() > 7 ? real(line, 7) : type->second.mass;
      atom.element = element_symbol(type->second.atomic_number);
      system_.atoms.push_back(std::move(atom));
      system_.nonbonded.push_back({real(line, 6), type->second.sigma, type->second.epsilon});
      atom_types_.push_back(type->first);
      bonded_types_.push_back(type->second.bonded.empty() ? type->first : type->second.bonded);
    }
    if (system_.atoms.empty()) throw InputError(origin_, "the molecule has no [ atoms ]");
  }

  template <std::size_t n>
  std::array<int, n> atoms_of(const Line& line) const {
    std::array<int, n> atoms;
    for (std::size_t k = 0; k < n; ++k) {
      atoms[k] = integer(line, k) - 1;
      if (atoms[k] < 0 || atoms[k] >= system_.n_atoms() ||
          std::find(atoms.begin(), atoms.begin() + k, atoms[k]) != atoms.begin() + k)
        fail(line.number, fmt::format("\"{}\" is no atom, or one atom too often", line.words[k]));
    }
    return atoms;
  }

  int function_of(const Line& line, std::size_t column, std::initializer_list<int> supported) const {
    const int function = integer(line, column);
    if (std::ranges::find(supported, function) == supported.end())
      fail(line.number, fmt::format("function {} is not supported here", function));
    return function;
  }

  /// Whether a line of types is for these atoms, either way round; X stands for any type.
  template <std::size_t n>
  static bool fits(const Line& line, const std::array<std::string, n>& types) {
    const auto same = [&](bool reversed) {
      for (std::size_t k = 0; k < n; ++k) {
        const std::string_view pattern = line.words[k];
        if (pattern != "X" && pattern != types[reversed ? n - 1 - k : k]) return false;
      }
      return true;
    };
    return same(false) || same(true);
  }

  /// The lines with a term's parameters, behind its n atoms and its function: itself if it has them, or those of its
  /// type. Several lines for one type are several terms where `several` says so.
  template <std::size_t n>
  std::vector<const Line*> parameters_of(const Line& line, const std::array<int, n>& atoms, std::size_t n_parameters,
                                         const char* section, const std::vector<std::string>& atom_types,
                                         bool several) const {
    if (line.words.size() == n + 1 + n_parameters) return {&line};
    if (line.words.size() != n + 1)
      fail(line.number, fmt::format("{} fields in this line, where {} or {} are expected (perturbed terms are not "
                                    "supported)",
                                    line.words.size(), n + 1, n + 1 + n_parameters));
    std::array<std::string, n> types;
    for (std::size_t k = 0; k < n; ++k) types[k] = atom_types[static_cast<std::size_t>(atoms[k])];
    std::vector<const Line*> best;
    std::size_t fewest = n + 1;
    for (const Line& candidate : lines(file_, section)) {
      if (candidate.words.size() != n + 1 + n_parameters)
        fail(candidate.number, fmt::format("a line of [ {} ] has {} fields", section, n + 1 + n_parameters));
      if (candidate.words[n] != line.words[n] || !fits(candidate, types)) continue;
      const auto wildcards = static_cast<std::size_t>(
          std::count(candidate.words.begin(), candidate.words.begin() + static_cast<std::ptrdiff_t>(n), "X"));
      if (wildcards < fewest) fewest = wildcards, best.clear();
      if (wildcards > fewest) continue;
      const bool same_type =
          best.empty() || std::equal(best[0]->words.begin(), best[0]->words.begin() + n, candidate.words.begin());
      if (!best.empty() && (!several || !same_type))
        fail(line.number,
             fmt::format("lines {} and {} of [ {} ] fit this term alike", best[0]->number, candidate.number, section));
      best.push_back(&candidate);
    }
    return best;
  }

  template <std::size_t n>
  std::vector<const Line*> needed(std::vector<const Line*> found, const Line& line, const char* section) const {
    if (found.empty()) fail(line.number, fmt::format("[ {} ] has no parameters for this term", section));
    return found;
  }

  void read_bonds() {
    for (const Line& line : lines(*molecule_, "bonds")) {
      const auto atoms = atoms_of<2>(line);
      function_of(line, 2, {1});
      const Line& p =
          *needed<2>(parameters_of(line, atoms, 2, "bondtypes", bonded_types_, false), line, "bondtypes")[0];
      system_.harmonic_bonds.push_back({atoms[0], atoms[1], real(p, 3), real(p, 4)});
      system_.bonds.push_back({std::min(atoms[0], atoms[1]), std::max(atoms[0], atoms[1])});
    }
    std::sort(system_.bonds.begin(), system_.bonds.end());
    const auto bonded = bonded_atoms(system_.n_atoms(), system_.bonds);
    for (int i = 0; i < system_.n_atoms(); ++i)
      if (bonded[i].size() > 8)  // so that exclusions grow no faster than atoms, whatever the file says
        throw InputError(origin_, fmt::format("atom {} has {} bonds", i + 1, bonded[i].size()));
  }

  void read_angles() {
    for (const Line& line : lines(*molecule_, "angles")) {
      const auto atoms = atoms_of<3>(line);
      function_of(line, 3, {1});
      const Line& p =
          *needed<3>(parameters_of(line, atoms, 2, "angletypes", bonded_types_, false), line, "angletypes")[0];
      system_.harmonic_angles.push_back({atoms[0], atoms[1], atoms[2], real(p, 4) * degree, real(p, 5)});
    }
  }

  void read_dihedrals() {
    for (const Line& line : lines(*molecule_, "dihedrals")) {
      const auto atoms = atoms_of<4>(line);
      const int function = function_of(line, 4, {1, 4, 9});
      for (const Line* p : needed<4>(parameters_of(line, atoms, 3, "dihedraltypes", bonded_types_, function == 9), line,
                                     "dihedraltypes")) {
        const double force_constant = real(*p, 6);
        const int periodicity = integer(*p, 7);
        if (force_constant == 0) continue;
        if (periodicity < 1 || periodicity > 100)
          fail(p->number, fmt::format("the periodicity {} is not in [1, 100]", periodicity));
        system_.periodic_torsions.push_back(
            {atoms[0], atoms[1], atoms[2], atoms[3], periodicity, real(*p, 5) * degree, force_constant});
      }
    }
  }

  void read_exceptions() {
    const auto bonded = bonded_atoms(system_.n_atoms(), system_.bonds);
    std::map<std::pair<int, int>, NonbondedException> exceptions;
    const auto exclude = [&](int i, int j) {
      if (i != j) exceptions.try_emplace(std::minmax(i, j), NonbondedException{i, j, 0.0, 0.1, 0.0});
    };
    for (int i = 0; i < system_.n_atoms(); ++i)
      for (const int j : bonded[i]) {
        exclude(i, j);
        for (const int k : bonded[j]) {
          exclude(i, k);
          for (const int l : bonded[k]) exclude(i, l);
        }
      }
    for (const Line& line : lines(*molecule_, "exclusions"))
      for (std::size_t column = 1; column < line.words.size(); ++column) {
        const Line pair{line.number, {line.words[0], line.words[column]}};
        const auto atoms = atoms_of<2>(pair);
        exclude(atoms[0], atoms[1]);
      }
    std::set<std::pair<int, int>> seen;
    for (const Line& line : lines(*molecule_, "pairs")) {
      const auto [i, j] = atoms_of<2>(line);
      function_of(line, 2, {1});
      const auto excluded = exceptions.find(std::minmax(i, j));
      if (excluded == exceptions.end() || !seen.insert(std::minmax(i, j)).second)
        fail(line.number, fmt::format("the pair of atoms {} and {} would interact twice", i + 1, j + 1));
      const NonbondedParticle &a = system_.nonbonded[i], &b = system_.nonbonded[j];
      double sigma = 0.5 * (a.sigma + b.sigma), epsilon = scale_lennard_jones_ * std::sqrt(a.epsilon * b.epsilon);
      const auto given = parameters_of(line, std::array{i, j}, 2, "pairtypes", atom_types_, false);
      if (!given.empty())
        sigma = real(*given[0], 3), epsilon = real(*given[0], 4);
      else if (!generate_pairs_)
        fail(line.number, "[ pairtypes ] has no parameters for this pair, and gen-pairs is no");
      excluded->second = {i, j, scale_coulomb_ * a.charge * b.charge, sigma, epsilon};
    }
    for (const auto& [_, exception] : exceptions) system_.exceptions.push_back(exception);
  }

  std::string origin_;
  Sections file_;
  std::vector<Sections> molecules_;
  const Sections* molecule_ = nullptr;
  std::map<std::string, AtomType> types_;
  std::vector<std::string> atom_types_, bonded_types_;  ///< of the molecule's atoms
  bool generate_pairs_ = false;
  double scale_lennard_jones_ = 1, scale_coulomb_ = 1;
  MolecularSystem system_;
};

}  // namespace

MolecularSystem read_gromacs(const std::filesystem::path& topology,
                             const std::optional<std::filesystem::path>& coordinates, std::string_view born_model) {
  const std::string text = read_file(topology);
  MolecularSystem system = GromacsReader(text, topology.string()).read();
  system.name = topology.stem().string();
  system.description = fmt::format("GROMACS topology of {} atoms, {}", system.n_atoms(),
                                   born_model.empty() ? "vacuum" : std::string(born_model) + " with ACE surface term");
  if (!born_model.empty()) {
    Topology graph;
    graph.atoms = system.atoms;
    graph.bonds = system.bonds;
    std::vector<double> charges;
    for (const auto& particle : system.nonbonded) charges.push_back(particle.charge);
    system.generalized_born = implicit_solvent(born_model, graph, charges);
  }
  if (coordinates) {
    system.positions = read_gro_positions(*coordinates);
    if (system.positions.size() != 3 * system.atoms.size())
      throw InputError(coordinates->string(), fmt::format("this file has {} atoms, but the topology has {}",
                                                          system.positions.size() / 3, system.n_atoms()));
  }
  validate(system, topology.string());
  return system;
}

}  // namespace boltzflow
