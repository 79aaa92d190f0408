// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/side_chains.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <sstream>
#include <string_view>

namespace boltzflow {
namespace {

/// rows: "atom bond angle torsion" separated by commas; ring_bonds: bonds that no row stands for. The first letter of a
/// name is its element.
struct Template {
  const char* name;
  const char* rows;
  const char* ring_bonds = "";
};

constexpr std::array templates{
    Template{"ALA", ""},
    Template{"ARG", "CG CB CA N, CD CG CB CA, NE CD CG CB, CZ NE CD CG, NH1 CZ NE CD, NH2 CZ NE NH1"},
    Template{"ASN", "CG CB CA N, OD1 CG CB CA, ND2 CG CB OD1"},
    Template{"ASP", "CG CB CA N, OD1 CG CB CA, OD2 CG CB OD1"},
    Template{"CYS", "SG CB CA N"},
    Template{"GLN", "CG CB CA N, CD CG CB CA, OE1 CD CG CB, NE2 CD CG OE1"},
    Template{"GLU", "CG CB CA N, CD CG CB CA, OE1 CD CG CB, OE2 CD CG OE1"},
    Template{"HIS", "CG CB CA N, ND1 CG CB CA, CE1 ND1 CG CB, CD2 CG ND1 CE1, NE2 CD2 CG ND1", "NE2 CE1"},
    Template{"ILE", "CG1 CB CA N, CG2 CB CA CG1, CD1 CG1 CB CA"},
    Template{"LEU", "CG CB CA N, CD1 CG CB CA, CD2 CG CD1 CB"},
    Template{"LYS", "CG CB CA N, CD CG CB CA, CE CD CG CB, NZ CE CD CG"},
    Template{"MET", "CG CB CA N, SD CG CB CA, CE SD CG CB"},
    Template{"PHE", "CG CB CA N, CD1 CG CB CA, CD2 CG CB CD1, CE1 CD1 CG CB, CE2 CD2 CG CD1, CZ CE1 CD1 CG", "CZ CE2"},
    Template{"PRO", "CG CB CA N, CD CG CB CA", "CD N"},
    Template{"SER", "OG CB CA N"},
    Template{"THR", "OG1 CB CA N, CG2 CB CA OG1"},
    Template{"TRP",
             "CG CB CA N, CD2 CG CB CA, CD1 CG CB CD2, NE1 CD1 CG CD2, CE2 CD2 CG CD1, CE3 CD2 CG CE2, CZ3 CE3 CD2 CG, "
             "CZ2 CE2 CD2 CG, CH2 CZ3 CE3 CD2",
             "NE1 CE2, CH2 CZ2"},
    Template{"TYR",
             "CG CB CA N, CD1 CG CB CA, CD2 CG CB CD1, CE1 CD1 CG CB, CE2 CD2 CG CD1, CZ CE1 CD1 CG, OH CZ CE1 CE2",
             "CZ CE2"},
    Template{"VAL", "CG1 CB CA N, CG2 CB CA CG1"},
};

std::vector<std::vector<std::string>> words_of(const char* text) {
  std::vector<std::vector<std::string>> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line, ',');) {
    std::istringstream words(line);
    lines.emplace_back();
    for (std::string word; words >> word;) lines.back().push_back(word);
  }
  return lines;
}

/// Matches one template, row by row, going back where a choice turns out wrong.
class Matcher {
 public:
  Matcher(const Template& side_chain, const MolecularSystem& system, const std::vector<std::vector<int>>& neighbours)
      : system_(system),
        neighbours_(neighbours),
        rows_(words_of(side_chain.rows)),
        ring_bonds_(words_of(side_chain.ring_bonds)) {
    const auto count = [&](const std::string& a, const std::string& b) { ++degree_[a], ++degree_[b]; };
    count("CB", "CA");
    for (const auto& row : rows_) count(row[0], row[1]);
    for (const auto& bond : ring_bonds_) count(bond[0], bond[1]);
  }

  bool match(int nitrogen, int alpha, int beta) {
    atoms_ = {{"N", nitrogen}, {"CA", alpha}, {"CB", beta}};
    return fits("CB", beta) && match_from(0);
  }
  std::vector<ZMatrixRow> rows() const {
    std::vector<ZMatrixRow> rows;
    for (const auto& row : rows_)
      rows.push_back({atoms_.at(row[0]), atoms_.at(row[1]), atoms_.at(row[2]), atoms_.at(row[3])});
    return rows;
  }

 private:
  const std::vector<int>& around(int atom) const { return neighbours_[static_cast<std::size_t>(atom)]; }
  const Atom& atom_of(int atom) const { return system_.atoms[static_cast<std::size_t>(atom)]; }

  /// The element and the number of heavy neighbours are those of the template.
  bool fits(const std::string& name, int atom) const {
    if (atom_of(atom).element != name.substr(0, 1)) return false;
    const auto is_heavy = [&](int other) { return atom_of(other).element != "H"; };
    const auto is_disulphide = [&](int other) { return name == "SG" && atom_of(other).element == "S"; };
    int degree = 0;
    for (const int other : around(atom)) degree += is_heavy(other) && !is_disulphide(other);
    return degree == degree_.at(name);
  }

  bool match_from(std::size_t k) {
    if (k == rows_.size())
      return std::all_of(ring_bonds_.begin(), ring_bonds_.end(), [&](const auto& bond) {
        const auto& list = around(atoms_.at(bond[0]));
        return std::find(list.begin(), list.end(), atoms_.at(bond[1])) != list.end();
      });
    const std::string& name = rows_[k][0];
    std::vector<int> candidates;
    for (const int atom : around(atoms_.at(rows_[k][1]))) {
      const bool taken = std::any_of(atoms_.begin(), atoms_.end(), [&](const auto& e) { return e.second == atom; });
      if (!taken && fits(name, atom)) candidates.push_back(atom);
    }
    std::stable_partition(candidates.begin(), candidates.end(), [&](int atom) { return atom_of(atom).name == name; });
    for (const int atom : candidates) {
      atoms_[name] = atom;
      if (match_from(k + 1)) return true;
      atoms_.erase(name);
    }
    return false;
  }

  const MolecularSystem& system_;
  const std::vector<std::vector<int>>& neighbours_;
  std::vector<std::vector<std::string>> rows_, ring_bonds_;
  std::map<std::string, int> degree_, atoms_;
};

}  // namespace

std::optional<SideChain> match_side_chain(const MolecularSystem& system,
                                          const std::vector<std::vector<int>>& neighbours, int nitrogen, int alpha,
                                          int beta) {
  if (beta < 0) return SideChain{"GLY", {}};
  for (const Template& side_chain : templates) {
    Matcher matcher(side_chain, system, neighbours);
    if (matcher.match(nitrogen, alpha, beta)) return SideChain{side_chain.name, matcher.rows()};
  }
  return std::nullopt;
}

std::vector<std::string> side_chain_names() {
  std::vector<std::string> names{"GLY"};
  for (const Template& side_chain : templates) names.emplace_back(side_chain.name);
  return names;
}

}  // namespace boltzflow
