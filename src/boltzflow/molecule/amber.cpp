// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/amber.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "boltzflow/base/atomic_file.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/amber_sections.hpp"
#include "boltzflow/molecule/backbone_torsions.hpp"
#include "boltzflow/molecule/elements.hpp"
#include "boltzflow/molecule/implicit_solvent.hpp"
#include "boltzflow/molecule/text_number.hpp"

namespace boltzflow {
namespace {

constexpr double nm_per_angstrom = 0.1;
constexpr double joule_per_calorie = 4.184;
constexpr double amber_charge = 18.2223;  // charges are in units that make the Coulomb energy kcal/mol at 1 Angstrom
constexpr double inverse_2_to_sixth = 0.890898718140339;  // 2^(-1/6): sigma = r_min 2^(-1/6)

struct NamedSolvent {
  std::string_view name, model;
  AmberSolvent solvent;
};
constexpr NamedSolvent solvents[] = {
    {"none", "", AmberSolvent::none},     {"hct", "HCT", AmberSolvent::hct}, {"obc1", "OBC1", AmberSolvent::obc1},
    {"obc2", "OBC2", AmberSolvent::obc2}, {"gbn", "GBn", AmberSolvent::gbn}, {"gbn2", "GBn2", AmberSolvent::gbn2},
};

class PrmtopReader {
 public:
  PrmtopReader(const AmberSections& sections, AmberSolvent solvent) : file_(sections), solvent_(solvent) {}

  MolecularSystem read() {
    read_pointers();
    read_atoms();
    read_bonds();
    read_angles();
    read_lennard_jones();
    read_dihedrals();
    read_exclusions();
    std::sort(system_.bonds.begin(), system_.bonds.end());
    derive_elements(system_);
    if (solvent_ != AmberSolvent::none) read_solvent();
    find_backbone_torsions(system_);
    return std::move(system_);
  }

 private:
  // The words of POINTERS, in the file's order and under the format's names.
  enum Pointer {
    natom,
    ntypes,
    nbonh,
    mbona,
    ntheth,
    mtheta,
    nphih,
    mphia,
    nhparm,
    nparm,
    nnb,
    nres,
    nbona,
    ntheta,
    nphia,
    numbnd,
    numang,
    nptra,
    natyp,
    nphb,
    ifpert,
    nbper,
    ngper,
    ndper,
    mbper,
    mgper,
    mdper,
    ifbox,
    nmxrs,
    ifcap,
    numextra,
    n_pointers
  };

  std::size_t count(Pointer pointer) const { return static_cast<std::size_t>(pointers_[pointer]); }

  void read_pointers() {
    if (file_.has("CTITLE") || file_.has("FORCE_FIELD_TYPE"))
      file_.fail("CTITLE", "this is a CHARMM (CHAMBER) topology, which is not supported");
    for (const char* flag : {"CMAP_COUNT", "LENNARD_JONES_CCOEF", "POLARIZABILITY"})
      if (file_.has(flag)) file_.fail(flag, fmt::format("{} terms are not supported", flag));
    pointers_ = file_.integers("POINTERS", 30);
    const std::size_t n_words = file_.size("POINTERS");
    if (n_words > 30) pointers_ = file_.integers("POINTERS", 31);
    pointers_.resize(n_pointers, 0);
    for (int value : pointers_)
      if (value < 0) file_.fail("POINTERS", "a negative count in POINTERS");
    if (pointers_[natom] < 1) file_.fail("POINTERS", "the topology has no atoms");
    if (pointers_[ifpert] > 0) file_.fail("POINTERS", "perturbed topologies (IFPERT) are not supported");
    if (pointers_[ifbox] > 0) file_.fail("POINTERS", "the topology has a periodic box (IFBOX), which is not supported");
    if (pointers_[numextra] > 0) file_.fail("POINTERS", "extra points (NUMEXTRA) are not supported");
  }

  void read_atoms() {
    const auto names = file_.words("ATOM_NAME", count(natom));
    const auto masses = file_.reals("MASS", count(natom));
    const auto residues = file_.words("RESIDUE_LABEL", count(nres));
    const auto first_atoms = file_.integers("RESIDUE_POINTER", count(nres));
    const bool has_numbers = file_.size("ATOMIC_NUMBER") >= count(natom);
    const auto numbers = has_numbers ? file_.integers("ATOMIC_NUMBER", count(natom)) : std::vector<int>();
    if (first_atoms.empty() || first_atoms[0] != 1 || !std::is_sorted(first_atoms.begin(), first_atoms.end()))
      file_.fail("RESIDUE_POINTER", "the first atoms of the residues do not begin with 1 and grow");
    for (int i = 0, residue = 0; i < pointers_[natom]; ++i) {
      while (residue + 1 < pointers_[nres] && first_atoms[residue + 1] <= i + 1) ++residue;
      Atom atom;
      atom.name = names[i];
      atom.residue_name = residues[residue];
      atom.residue_number = residue + 1;
      atom.mass = masses[i];
      if (has_numbers) atom.element = element_symbol(numbers[i]);
      system_.atoms.push_back(std::move(atom));
    }
  }

  /// A coordinate-array pointer (three times the index) to an atom.
  int atom(int pointer, const std::string& flag) const {
    if (pointer < 0 || pointer % 3 != 0 || pointer / 3 >= pointers_[natom])
      file_.fail(flag, fmt::format("{} in {} is no atom: there are {}", pointer, flag, pointers_[natom]));
    return pointer / 3;
  }
  /// A 1-based index into a parameter table of `size` entries, as 0-based.
  int type(int index, std::size_t size, const std::string& flag) const {
    if (index < 1 || static_cast<std::size_t>(index) > size)
      file_.fail(flag, fmt::format("{} in {} is no parameter: there are {}", index, flag, size));
    return index - 1;
  }

  void read_bonds() {
    const auto constants = file_.reals("BOND_FORCE_CONSTANT", count(numbnd));
    const auto lengths = file_.reals("BOND_EQUIL_VALUE", count(numbnd));
    for (const auto& [flag, n] : {std::pair("BONDS_INC_HYDROGEN", nbonh), std::pair("BONDS_WITHOUT_HYDROGEN", nbona)}) {
      const auto list = file_.integers(flag, 3 * count(n));
      for (std::size_t at = 0; at < list.size(); at += 3) {
        const int i = atom(list[at], flag), j = atom(list[at + 1], flag), t = type(list[at + 2], count(numbnd), flag);
        system_.harmonic_bonds.push_back({i, j, lengths[t] * nm_per_angstrom,
                                          2 * constants[t] * joule_per_calorie / (nm_per_angstrom * nm_per_angstrom)});
        system_.bonds.push_back({std::min(i, j), std::max(i, j)});
      }
    }
  }

  void read_angles() {
    const auto constants = file_.reals("ANGLE_FORCE_CONSTANT", count(numang));
    const auto angles = file_.reals("ANGLE_EQUIL_VALUE", count(numang));
    for (const auto& [flag, n] :
         {std::pair("ANGLES_INC_HYDROGEN", ntheth), std::pair("ANGLES_WITHOUT_HYDROGEN", ntheta)}) {
      const auto list = file_.integers(flag, 4 * count(n));
      for (std::size_t at = 0; at < list.size(); at += 4) {
        const int t = type(list[at + 3], count(numang), flag);
        system_.harmonic_angles.push_back({atom(list[at], flag), atom(list[at + 1], flag), atom(list[at + 2], flag),
                                           angles[t], 2 * constants[t] * joule_per_calorie});
      }
    }
  }

  /// sigma (nm) and epsilon (kJ/mol) of A/r^12 - B/r^6; no interaction where a coefficient is zero.
  static std::pair<double, double> sigma_epsilon(double a, double b) {
    if (a == 0 || b == 0)
      return {nm_per_angstrom * inverse_2_to_sixth, 0.0};  // any size will do; r_min = 1 Angstrom, as in OpenMM
    return {std::pow(2 * a / b, 1.0 / 6.0) * nm_per_angstrom * inverse_2_to_sixth,
            0.25 * b * b / a * joule_per_calorie};
  }

  /// The index into the Lennard-Jones tables of a pair of atom types, -1 for a 10-12 pair.
  int pair_index(int type_i, int type_j) const { return pair_table_[type_i * pointers_[ntypes] + type_j]; }

  void read_lennard_jones() {
    const int n_types = pointers_[ntypes];
    if (n_types < 1 || n_types > pointers_[natom])
      file_.fail("POINTERS", fmt::format("{} atom types for {} atoms", n_types, pointers_[natom]));
    charges_ = file_.reals("CHARGE", count(natom));
    for (double& charge : charges_) charge /= amber_charge;
    const std::size_t n_pairs = count(ntypes) * (count(ntypes) + 1) / 2;
    a_ = file_.reals("LENNARD_JONES_ACOEF", n_pairs);
    b_ = file_.reals("LENNARD_JONES_BCOEF", n_pairs);
    types_ = file_.integers("ATOM_TYPE_INDEX", count(natom));
    for (int& index : types_) index = type(index, count(ntypes), "ATOM_TYPE_INDEX");
    pair_table_ = file_.integers("NONBONDED_PARM_INDEX", count(ntypes) * count(ntypes));
    for (int& index : pair_table_) {
      if (index < 0) file_.fail("NONBONDED_PARM_INDEX", "10-12 interactions are not supported");
      index = type(index, n_pairs, "NONBONDED_PARM_INDEX");
    }
    std::vector<std::pair<double, double>> diagonal(n_types);
    for (int t = 0; t < n_types; ++t) diagonal[t] = sigma_epsilon(a_[pair_index(t, t)], b_[pair_index(t, t)]);
    for (int s = 0; s < n_types; ++s)
      for (int t = 0; t < n_types; ++t) {
        const double sigma = 0.5 * (diagonal[s].first + diagonal[t].first) / nm_per_angstrom;
        const double epsilon = std::sqrt(diagonal[s].second * diagonal[t].second) / joule_per_calorie;
        const double a = 4 * epsilon * std::pow(sigma, 12), b = 4 * epsilon * std::pow(sigma, 6);
        const double a_file = a_[pair_index(s, t)], b_file = b_[pair_index(s, t)];
        if (std::abs(a - a_file) > 1e-6 * std::max(a, a_file) || std::abs(b - b_file) > 1e-6 * std::max(b, b_file))
          file_.fail(
              "LENNARD_JONES_ACOEF",
              fmt::format("the pair of atom types {} and {} does not follow Lorentz-Berthelot mixing; modified pairs "
                          "(NBFIX) are not supported",
                          s + 1, t + 1));
      }
    for (int i = 0; i < pointers_[natom]; ++i)
      system_.nonbonded.push_back({charges_[i], diagonal[types_[i]].first, diagonal[types_[i]].second});
  }

  void read_dihedrals() {
    const auto constants = file_.reals("DIHEDRAL_FORCE_CONSTANT", count(nptra));
    const auto periodicities = file_.reals("DIHEDRAL_PERIODICITY", count(nptra));
    const auto phases = file_.reals("DIHEDRAL_PHASE", count(nptra));
    const bool has_scee = file_.has("SCEE_SCALE_FACTOR"), has_scnb = file_.has("SCNB_SCALE_FACTOR");
    const auto scee =
        has_scee ? file_.reals("SCEE_SCALE_FACTOR", count(nptra)) : std::vector<double>(count(nptra), 1.2);
    const auto scnb =
        has_scnb ? file_.reals("SCNB_SCALE_FACTOR", count(nptra)) : std::vector<double>(count(nptra), 2.0);
    for (const auto& [flag, n] :
         {std::pair("DIHEDRALS_INC_HYDROGEN", nphih), std::pair("DIHEDRALS_WITHOUT_HYDROGEN", nphia)}) {
      const auto list = file_.integers(flag, 5 * count(n));
      for (std::size_t at = 0; at < list.size(); at += 5) {
        // A negative third atom: no 1-4 interaction (counted elsewhere); a negative fourth: an improper.
        const bool has_14 = list[at + 2] > 0 && list[at + 3] > 0;
        for (std::size_t column : {2, 3})
          if (list[at + column] == std::numeric_limits<int>::min()) file_.fail(flag, "an atom pointer out of range");
        const int i = atom(list[at], flag), j = atom(list[at + 1], flag), k = atom(std::abs(list[at + 2]), flag),
                  l = atom(std::abs(list[at + 3]), flag), t = type(list[at + 4], count(nptra), flag);
        if (!(periodicities[t] >= 0 && periodicities[t] < 100))
          file_.fail("DIHEDRAL_PERIODICITY", fmt::format("the periodicity {} is not in [0, 100)", periodicities[t]));
        const int periodicity = static_cast<int>(0.5 + periodicities[t]);
        const double force_constant = constants[t] * joule_per_calorie;
        // A term of periodicity 0 is a constant; with a force constant of 0 it is nothing at all.
        if (periodicity > 0)
          system_.periodic_torsions.push_back({i, j, k, l, periodicity, phases[t], force_constant});
        else if (force_constant != 0)
          file_.fail(flag, "a dihedral of periodicity 0 is not supported");
        if (!has_14) continue;
        if (scee[t] == 0 || scnb[t] == 0) {
          file_.fail(flag, fmt::format("the 1-4 scale factors of dihedral type {} are {} and {}, but must not be 0",
                                       t + 1, scee[t], scnb[t]));
        }
        const int pair = pair_index(types_[i], types_[l]);
        const auto [sigma, epsilon] = sigma_epsilon(a_[pair], b_[pair]);
        system_.exceptions.push_back({i, l, charges_[i] * charges_[l] / scee[t], sigma, epsilon / scnb[t]});
        excepted_.insert(std::minmax(i, l));
      }
    }
  }

  void read_exclusions() {
    const auto counts = file_.integers("NUMBER_EXCLUDED_ATOMS", count(natom));
    const auto list = file_.integers("EXCLUDED_ATOMS_LIST", count(nnb));
    std::size_t at = 0;
    for (int i = 0; i < pointers_[natom]; ++i) {
      if (counts[i] < 0 || static_cast<std::size_t>(counts[i]) > list.size() - at)
        file_.fail("NUMBER_EXCLUDED_ATOMS", "the numbers of excluded atoms do not match EXCLUDED_ATOMS_LIST");
      for (int n = 0; n < counts[i]; ++n, ++at) {
        const int j = list[at] - 1;
        if (j < 0) continue;  // 0 stands for "none"
        if (j >= pointers_[natom] || j == i)
          file_.fail("EXCLUDED_ATOMS_LIST", fmt::format("atom {} cannot be excluded from atom {}", list[at], i + 1));
        if (excepted_.insert(std::minmax(i, j)).second) system_.exceptions.push_back({i, j, 0.0, 0.1, 0.0});
      }
    }
  }

  void read_solvent() {
    auto radii = file_.reals("RADII", count(natom));
    for (double& radius : radii) radius *= nm_per_angstrom;
    const bool screens_by_element = solvent_ == AmberSolvent::gbn || solvent_ == AmberSolvent::gbn2;
    const auto screens = screens_by_element ? std::vector<double>() : file_.reals("SCREEN", count(natom));
    try {
      system_.generalized_born = implicit_solvent(born_model(solvent_), system_.atoms, charges_, radii, screens);
    } catch (const InputError& error) {
      file_.fail("RADII", error.what());
    }
    if (solvent_ == AmberSolvent::obc2) use_particle_inside_form(*system_.generalized_born);
  }

  const AmberSections& file_;
  AmberSolvent solvent_;
  MolecularSystem system_;
  std::vector<int> pointers_, types_, pair_table_;
  std::vector<double> charges_, a_, b_;
  std::set<std::pair<int, int>> excepted_;
};

}  // namespace

AmberSolvent amber_solvent(std::string_view name) {
  const auto* const found = std::ranges::find(solvents, name, &NamedSolvent::name);
  if (found == std::end(solvents))
    throw InputError(
        fmt::format("the generalised Born model \"{}\" is not known; choose none, hct, obc1, obc2, gbn or gbn2", name));
  return found->solvent;
}

std::string_view born_model(AmberSolvent solvent) {
  return std::ranges::find(solvents, solvent, &NamedSolvent::solvent)->model;
}

MolecularSystem read_amber(const std::filesystem::path& prmtop, const std::optional<std::filesystem::path>& coordinates,
                           AmberSolvent solvent) {
  const AmberSections sections(read_file(prmtop), prmtop.string());
  MolecularSystem system = PrmtopReader(sections, solvent).read();
  system.name = prmtop.stem().string();
  system.description =
      fmt::format("Amber topology of {} atoms, {}", system.n_atoms(),
                  solvent == AmberSolvent::none ? "vacuum" : system.generalized_born->model + " with ACE surface term");
  if (coordinates) {
    system.positions = read_amber_coordinates(*coordinates);
    if (system.positions.size() != 3 * system.atoms.size())
      throw InputError(coordinates->string(),
                       fmt::format("this file has coordinates of {} atoms, but the topology has {}",
                                   system.positions.size() / 3, system.n_atoms()));
  }
  validate(system, prmtop.string());
  return system;
}

std::vector<double> read_amber_coordinates(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  if (text.starts_with("CDF") || text.starts_with("\x89HDF"))
    throw InputError(path.string(),
                     "NetCDF restart files are not supported; save the coordinates as an ASCII restart file");
  std::string_view rest = text;
  const auto next_line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  next_line();  // the title
  const std::string_view counts = trimmed(next_line());
  const auto n_atoms = number_in<int>(counts.substr(0, counts.find_first_of(" \t")));
  if (!n_atoms || *n_atoms < 1)
    throw InputError(path.string(), 2, "this is not an Amber coordinate file: its second line is no number of atoms");
  constexpr std::size_t width = 12;  // (6F12.7)
  std::vector<double> positions;
  const std::size_t needed = 3 * static_cast<std::size_t>(*n_atoms);
  for (long line_number = 3; positions.size() < needed && !rest.empty(); ++line_number) {
    std::string_view line = next_line();
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    for (std::size_t at = 0; at < line.size() && positions.size() < needed; at += width) {
      const auto value = number_in<double>(line.substr(at, width));
      if (!value)
        throw InputError(path.string(), line_number, fmt::format("\"{}\" is not a coordinate", line.substr(at, width)));
      positions.push_back(*value * nm_per_angstrom);
    }
  }
  if (positions.size() < needed)
    throw InputError(path.string(), fmt::format("the file ends after {} of {} coordinates", positions.size(), needed));
  return positions;
}

}  // namespace boltzflow
