// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/peptide_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>
#include <string_view>
#include <utility>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr std::string_view amino_acids[] = {"ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS",
                                            "ILE", "LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP",
                                            "TYR", "VAL", "HID", "HIE", "HIP", "ASH", "GLH", "LYN", "CYX"};

bool is_amino_acid(std::string_view name) {
  return std::find(std::begin(amino_acids), std::end(amino_acids), name) != std::end(amino_acids);
}

std::vector<std::string> residues_of(const std::string& sequence) {
  std::vector<std::string> names;
  std::istringstream stream(sequence + "-");
  for (std::string name; std::getline(stream, name, '-');) {
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    names.push_back(name);
  }
  for (std::size_t n = 0; n < names.size(); ++n) {
    const bool first = n == 0, last = n + 1 == names.size();
    if (is_amino_acid(names[n])) continue;
    const bool is_cap = names[n] == "ACE" || names[n] == "NME" || names[n] == "NHE";
    if (is_cap && names[n] == "ACE" ? first : is_cap && last) continue;
    std::string known;
    for (const auto& name : amino_acids) known += (known.empty() ? "" : ", ") + std::string(name);
    throw InputError(
        sequence, is_cap ? fmt::format("{} can only be the {} residue", names[n], names[n] == "ACE" ? "first" : "last")
                         : fmt::format("residue {} is \"{}\"; a sequence is made of {}, with ACE before and NME or "
                                       "NHE behind, hyphens between them: ACE-ALA-NME",
                                       n + 1, names[n].substr(0, 20), known));
  }
  if (names.size() < 2)
    throw InputError(sequence,
                     "a peptide needs two residues at least; a single amino acid needs caps, as in ACE-ALA-NME");
  return names;
}

/// Whether each residue is in a disulphide.
std::vector<char> bridged_residues(const std::string& sequence, const std::vector<std::string>& names,
                                   std::span<const std::array<int, 2>> disulphides) {
  std::vector<char> bridged(names.size(), 0);
  for (const auto& pair : disulphides)
    for (const int number : pair) {
      const auto fail = [&](const std::string& what) {
        throw InputError(sequence, fmt::format("disulphide {}-{}: {}", pair[0], pair[1], what));
      };
      if (number < 1 || static_cast<std::size_t>(number) > names.size())
        fail(fmt::format("residue {} is not in 1 to {}", number, names.size()));
      const std::string& name = names[static_cast<std::size_t>(number) - 1];
      if (name != "CYS" && name != "CYX") fail(fmt::format("residue {} is {}, not CYS", number, name));
      if (std::exchange(bridged[static_cast<std::size_t>(number) - 1], 1))
        fail(fmt::format("residue {} cannot have two disulphides", number));
    }
  for (std::size_t n = 0; n < names.size(); ++n)
    if (names[n] == "CYX" && !bridged[n])
      throw InputError(sequence, fmt::format("residue {} is CYX, the half of a disulphide; say which residue is the "
                                             "other (--disulphide {}-N), or write CYS",
                                             n + 1, n + 1));
  return bridged;
}

}  // namespace

Topology peptide_topology(const std::string& sequence, const ForceFieldDefinition& force_field,
                          std::span<const std::array<int, 2>> disulphides) {
  const std::vector<std::string> names = residues_of(sequence);
  const std::vector<char> bridged = bridged_residues(sequence, names, disulphides);
  Topology topology;
  int previous_carbon = -1;  // of the residue before
  for (std::size_t n = 0; n < names.size(); ++n) {
    std::string template_name = names[n] == "HIS" ? "HIE" : bridged[n] ? "CYX" : names[n];
    // The last of two or more residues without a cap carries the charge of its end.
    if (is_amino_acid(names[n])) {
      if (n == 0) template_name = "N" + template_name;
      if (n + 1 == names.size()) template_name = "C" + template_name;
    }
    const ResidueTemplate* residue = force_field.find_template(template_name);
    const std::string where = fmt::format("residue {} of {}", n + 1, sequence);
    if (!residue)
      throw InputError(where, fmt::format("{} has no residue {}; choose another force field with --force-field",
                                          force_field.origin, template_name));
    const int first = topology.n_atoms();
    for (const auto& atom : residue->atoms) {
      topology.atoms.push_back(
          {atom.name, force_field.types[atom.type].element, names[n], static_cast<int>(n) + 1, "A", 0});
      topology.residue_of.push_back(static_cast<int>(n));
    }
    for (std::size_t i = 0; i < residue->atoms.size(); ++i)
      for (int j : residue->atoms[i].bonded)
        if (static_cast<int>(i) < j) topology.bonds.push_back({first + static_cast<int>(i), first + j});
    topology.residues.push_back(
        {names[n], static_cast<int>(n) + 1, "A", first, static_cast<int>(residue->atoms.size()), where});
    if (n > 0) {
      const int nitrogen = residue->find("N");
      if (previous_carbon < 0 || nitrogen < 0)
        throw InputError(where, fmt::format("{} cannot be joined to the residue before it: one of them has no atom {}",
                                            template_name, nitrogen < 0 ? "N" : "C"));
      topology.bonds.push_back({previous_carbon, first + nitrogen});
    }
    const int carbon = residue->find("C");
    previous_carbon = carbon < 0 ? -1 : first + carbon;
  }
  const auto sulphur_of = [&](int number) {
    const TopologyResidue& residue = topology.residues[static_cast<std::size_t>(number) - 1];
    for (int i = residue.first_atom; i < residue.first_atom + residue.n_atoms; ++i)
      if (topology.atoms[i].name == "SG") return i;
    throw InputError(residue.where, fmt::format("{} gives CYX no atom SG to bond", force_field.origin));
  };
  for (const auto& [one, other] : disulphides) topology.bonds.push_back({sulphur_of(one), sulphur_of(other)});
  return topology;
}

}  // namespace boltzflow
