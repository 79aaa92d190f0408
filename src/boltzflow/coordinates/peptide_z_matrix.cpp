// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/peptide_z_matrix.hpp"

#include <algorithm>
#include <cstddef>
#include <set>

#include "boltzflow/coordinates/side_chains.hpp"
#include "boltzflow/coordinates/torsion_ranges.hpp"

namespace boltzflow {
namespace {

/// The bond graph with the questions that chemistry asks of it.
class Graph {
 public:
  explicit Graph(const MolecularSystem& system) : system_(system), neighbours_(neighbours_of(system)) {}

  const std::vector<std::vector<int>>& neighbours() const { return neighbours_; }
  const std::vector<int>& around(int atom) const { return neighbours_[static_cast<std::size_t>(atom)]; }
  bool is(int atom, const char* element) const {
    return system_.atoms[static_cast<std::size_t>(atom)].element == element;
  }
  std::vector<int> hydrogens(int atom) const {
    return select(atom, [&](int other) { return is(other, "H"); });
  }
  std::vector<int> heavy(int atom) const {
    return select(atom, [&](int other) { return !is(other, "H"); });
  }
  std::vector<int> terminal_oxygens(int atom) const {
    return select(atom, [&](int other) { return is(other, "O") && heavy(other).size() == 1; });
  }
  /// A carbon with three neighbours, one of them an oxygen at the end of the chain.
  bool is_carbonyl(int atom) const {
    return is(atom, "C") && around(atom).size() == 3 && !terminal_oxygens(atom).empty();
  }
  bool is_methyl(int atom) const { return is(atom, "C") && hydrogens(atom).size() == 3 && heavy(atom).size() == 1; }

 private:
  template <class Condition>
  std::vector<int> select(int atom, const Condition& condition) const {
    std::vector<int> atoms;
    for (const int other : around(atom))
      if (condition(other)) atoms.push_back(other);
    return atoms;
  }

  const MolecularSystem& system_;
  std::vector<std::vector<int>> neighbours_;
};

/// N, CA, C around every carbon that can be an alpha carbon.
std::vector<PeptideResidue> find_residues(const Graph& graph, int n_atoms) {
  std::vector<PeptideResidue> residues;
  for (int alpha = 0; alpha < n_atoms; ++alpha) {
    if (!graph.is(alpha, "C") || graph.around(alpha).size() != 4 || graph.hydrogens(alpha).empty()) continue;
    PeptideResidue residue{-1, alpha, -1, -1, "", {}};
    int n_nitrogens = 0, n_carbonyls = 0, n_others = 0;
    for (const int atom : graph.heavy(alpha)) {
      if (graph.is(atom, "N")) {
        residue.nitrogen = atom, ++n_nitrogens;
      } else if (graph.is_carbonyl(atom)) {
        residue.carbonyl = atom, ++n_carbonyls;
      } else {
        residue.beta = atom, ++n_others;
      }
    }
    if (n_nitrogens == 1 && n_carbonyls == 1 && n_others <= 1) residues.push_back(residue);
  }
  return residues;
}

/// The nitrogen that a carbonyl carbon carries, or -1.
int amide_nitrogen_of(const Graph& graph, int carbonyl) {
  for (const int atom : graph.heavy(carbonyl))
    if (graph.is(atom, "N")) return atom;
  return -1;
}

/// The carbonyl carbon of an acetyl group on this nitrogen, or -1.
int acetyl_carbon_of(const Graph& graph, int nitrogen) {
  for (const int atom : graph.heavy(nitrogen)) {
    if (!graph.is_carbonyl(atom)) continue;
    for (const int other : graph.heavy(atom))
      if (graph.is_methyl(other)) return atom;
  }
  return -1;
}

class RowWriter {
 public:
  RowWriter(const MolecularSystem& system, const Peptide& peptide)
      : graph_(system), peptide_(peptide), bond_of_(system.atoms.size(), -1) {}

  ZMatrix write() {
    add_backbone();
    if (peptide_.acetyl_carbon >= 0) add_acetyl();
    for (std::size_t i = 0; i < peptide_.residues.size(); ++i) add_residue(i);
    if (peptide_.amide_nitrogen >= 0) add_amide();
    return z_matrix_;
  }

 private:
  bool is_placed(int atom) const { return placed_.contains(atom); }
  void set_root(int a, int b, int c) {
    z_matrix_.root = {a, b, c};
    placed_ = {a, b, c};
    bond_of(b) = a, bond_of(c) = b;
  }
  int& bond_of(int atom) { return bond_of_[static_cast<std::size_t>(atom)]; }
  void add(int atom, int bond, int angle, int torsion) {
    z_matrix_.rows.push_back({atom, bond, angle, torsion});
    placed_.insert(atom);
    bond_of(atom) = bond;
  }

  /// The first at an angle to `angle` with a torsion about the bond; the others relative to the first.
  void add_around_bond(const std::vector<int>& atoms, int centre, int angle, int torsion) {
    for (std::size_t k = 0; k < atoms.size(); ++k) add(atoms[k], centre, angle, k == 0 ? torsion : atoms[0]);
  }

  /// All hydrogens of a heavy atom of a side chain.
  void add_hydrogens(int centre) {
    const auto hydrogens = graph_.hydrogens(centre);
    const int bond = bond_of(centre);
    std::vector<int> others;
    for (const int atom : graph_.heavy(centre))
      if (atom != bond && is_placed(atom)) others.push_back(atom);
    if (others.empty()) return add_around_bond(hydrogens, centre, bond, bond_of(bond));
    // Of several children the one that was placed first, as its siblings are placed relative to it.
    const auto order = [&](int atom) {
      for (std::size_t r = 0; r < z_matrix_.rows.size(); ++r)
        if (z_matrix_.rows[r].atom == atom) return r;
      return std::size_t{0};
    };
    const int child =
        *std::min_element(others.begin(), others.end(), [&](int a, int b) { return order(a) < order(b); });
    for (const int hydrogen : hydrogens) add(hydrogen, centre, bond, child);
  }

  void add_backbone() {
    const auto& first = peptide_.residues.front();
    std::vector<int> chain;
    if (peptide_.acetyl_carbon >= 0) chain.push_back(peptide_.acetyl_carbon);
    for (const auto& r : peptide_.residues) chain.insert(chain.end(), {r.nitrogen, r.alpha, r.carbonyl});
    if (peptide_.amide_nitrogen >= 0) {
      chain.push_back(peptide_.amide_nitrogen);
      for (const int atom : graph_.heavy(peptide_.amide_nitrogen))
        if (graph_.is_methyl(atom)) chain.push_back(atom);
    }
    set_root(chain[0], chain[1], chain[2]);
    bond_of(first.nitrogen) = peptide_.acetyl_carbon >= 0 ? peptide_.acetyl_carbon : first.alpha;
    for (std::size_t k = 3; k < chain.size(); ++k) add(chain[k], chain[k - 1], chain[k - 2], chain[k - 3]);
  }

  void add_acetyl() {
    const int carbon = peptide_.acetyl_carbon, nitrogen = peptide_.residues.front().nitrogen,
              oxygen = graph_.terminal_oxygens(carbon).front();
    add(oxygen, carbon, nitrogen, peptide_.residues.front().alpha);
    for (const int atom : graph_.heavy(carbon)) {
      if (is_placed(atom)) continue;
      add(atom, carbon, nitrogen, oxygen);
      add_around_bond(graph_.hydrogens(atom), atom, carbon, oxygen);
    }
  }

  void add_residue(std::size_t i) {
    const PeptideResidue& r = peptide_.residues[i];
    const bool is_last = i + 1 == peptide_.residues.size();
    const int next = is_last ? peptide_.amide_nitrogen : peptide_.residues[i + 1].nitrogen;
    const int previous = i > 0 ? peptide_.residues[i - 1].carbonyl : peptide_.acetyl_carbon;
    if (r.beta >= 0) add(r.beta, r.alpha, r.carbonyl, r.nitrogen);
    add_around_bond(graph_.terminal_oxygens(r.carbonyl), r.carbonyl, r.alpha, next >= 0 ? next : r.nitrogen);
    for (const int hydrogen : graph_.hydrogens(r.alpha)) add(hydrogen, r.alpha, r.nitrogen, r.carbonyl);
    if (previous >= 0)
      for (const int hydrogen : graph_.hydrogens(r.nitrogen)) add(hydrogen, r.nitrogen, r.alpha, previous);
    for (const ZMatrixRow& row : r.side_chain) add(row.atom, row.bond, row.angle, row.torsion);
    if (r.beta >= 0) add_hydrogens(r.beta);
    for (const ZMatrixRow& row : r.side_chain) add_hydrogens(row.atom);
    for (const int oxygen : graph_.terminal_oxygens(r.carbonyl)) add_hydrogens(oxygen);
    if (previous < 0) add_first_hydrogens(r);
  }

  /// Of the first nitrogen without a cap; proline's has its ring beside it.
  void add_first_hydrogens(const PeptideResidue& r) {
    int ring = -1;
    for (const int atom : graph_.heavy(r.nitrogen))
      if (atom != r.alpha) ring = atom;
    const auto hydrogens = graph_.hydrogens(r.nitrogen);
    if (ring < 0) return add_around_bond(hydrogens, r.nitrogen, r.alpha, r.carbonyl);
    for (const int hydrogen : hydrogens) add(hydrogen, r.nitrogen, r.alpha, ring);
  }

  void add_amide() {
    const int nitrogen = peptide_.amide_nitrogen, carbon = peptide_.residues.back().carbonyl;
    int methyl = -1;
    for (const int atom : graph_.heavy(nitrogen))
      if (graph_.is_methyl(atom)) methyl = atom;
    if (methyl < 0)
      return add_around_bond(graph_.hydrogens(nitrogen), nitrogen, carbon, peptide_.residues.back().alpha);
    for (const int hydrogen : graph_.hydrogens(nitrogen)) add(hydrogen, nitrogen, carbon, methyl);
    add_around_bond(graph_.hydrogens(methyl), methyl, nitrogen, carbon);
  }

  Graph graph_;
  const Peptide& peptide_;
  ZMatrix z_matrix_{};
  std::set<int> placed_;
  std::vector<int> bond_of_;
};

}  // namespace

std::optional<Peptide> recognise_peptide(const MolecularSystem& system) {
  const Graph graph(system);
  auto found = find_residues(graph, system.n_atoms());
  const auto with_nitrogen = [&](int nitrogen) {
    return std::find_if(found.begin(), found.end(), [&](const auto& r) { return r.nitrogen == nitrogen; });
  };
  // The first residue's nitrogen is on no other residue's carbonyl carbon.
  std::set<int> linked;
  for (const auto& r : found) linked.insert(amide_nitrogen_of(graph, r.carbonyl));
  const auto first =
      std::find_if(found.begin(), found.end(), [&](const auto& r) { return !linked.contains(r.nitrogen); });
  if (first == found.end()) return std::nullopt;
  Peptide peptide;
  peptide.acetyl_carbon = acetyl_carbon_of(graph, first->nitrogen);
  for (auto r = first;;) {
    auto side_chain = match_side_chain(system, graph.neighbours(), r->nitrogen, r->alpha, r->beta);
    if (!side_chain) return std::nullopt;
    r->name = side_chain->residue_name;
    r->side_chain = std::move(side_chain->rows);
    peptide.residues.push_back(*r);
    if (peptide.residues.size() > found.size()) return std::nullopt;  // a circle
    const int next = amide_nitrogen_of(graph, r->carbonyl);
    if (next < 0) break;
    r = with_nitrogen(next);
    if (r == found.end()) {
      peptide.amide_nitrogen = next;
      break;
    }
  }
  // Whatever else there is (other chains, other caps, modified residues) leaves atoms without a row.
  const ZMatrix z_matrix = RowWriter(system, peptide).write();
  std::set<int> placed(z_matrix.root.begin(), z_matrix.root.end());
  for (const ZMatrixRow& row : z_matrix.rows) placed.insert(row.atom);
  if (placed.size() != system.atoms.size() || z_matrix.rows.size() + 3 != system.atoms.size()) return std::nullopt;
  return peptide;
}

ZMatrix peptide_z_matrix(const MolecularSystem& system, const Peptide& peptide) {
  return RowWriter(system, peptide).write();
}

}  // namespace boltzflow
