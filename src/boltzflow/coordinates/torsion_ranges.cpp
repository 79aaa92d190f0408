// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/torsion_ranges.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"

namespace boltzflow {
namespace {

constexpr double planar_margin = pi / 6;

bool contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

class Confiner {
 public:
  Confiner(const MolecularSystem& system, const ZMatrix& z_matrix, const std::vector<double>& torsions)
      : system_(system), z_matrix_(z_matrix), torsions_(torsions), neighbours_(neighbours_of(system)) {}

  TorsionConfinement confine() {
    result_.ranges.assign(z_matrix_.rows.size(), TorsionRange::full);
    result_.folds.assign(z_matrix_.rows.size(), -1);
    for (std::size_t r = 0; r < z_matrix_.rows.size(); ++r) {
      const double size = std::abs(torsions_[r]);
      if (size > planar_margin && size < pi - planar_margin && keeps_form_or_names(z_matrix_.rows[r]))
        result_.ranges[r] = torsions_[r] > 0 ? TorsionRange::upper_half : TorsionRange::lower_half;
    }
    const auto equivalent = find_equivalent_branches(system_);
    for (const EquivalentBranches& branches : equivalent) fold(branches);
    for (const EquivalentBranches& branches : equivalent) add_group(branches);
    return std::move(result_);
  }

 private:
  const std::vector<int>& around(int atom) const { return neighbours_[static_cast<std::size_t>(atom)]; }
  bool is(int atom, const char* element) const {
    return system_.atoms[static_cast<std::size_t>(atom)].element == element;
  }
  int count_hydrogens(int atom) const {
    return static_cast<int>(std::count_if(around(atom).begin(), around(atom).end(), [&](int a) { return is(a, "H"); }));
  }
  bool is_improper(const ZMatrixRow& row) const {
    const auto& list = around(row.bond);
    return contains(list, row.atom) && contains(list, row.angle) && contains(list, row.torsion);
  }
  /// A carbon between a nitrogen and a carbonyl group.
  bool is_alpha_carbon(int atom) const {
    bool nitrogen = false, carbonyl = false;
    for (const int other : around(atom)) {
      nitrogen = nitrogen || is(other, "N");
      if (!is(other, "C") || around(other).size() != 3) continue;
      for (const int beyond : around(other)) carbonyl = carbonyl || (is(beyond, "O") && around(beyond).size() == 1);
    }
    return nitrogen && carbonyl;
  }

  bool keeps_form_or_names(const ZMatrixRow& row) const {
    if (!is_improper(row)) return false;
    const int n_hydrogens = count_hydrogens(row.bond), n_neighbours = static_cast<int>(around(row.bond).size());
    const bool carbon = is(row.bond, "C"), nitrogen = is(row.bond, "N");
    if (is(row.atom, "H"))
      return (carbon && n_neighbours == 4 && n_hydrogens == 1) || ((carbon || nitrogen) && n_hydrogens > 1);
    return carbon && n_neighbours == 4 && n_hydrogens <= 1 && !is_alpha_carbon(row.bond);
  }

  int row_of(int atom) const {
    for (std::size_t r = 0; r < z_matrix_.rows.size(); ++r)
      if (z_matrix_.rows[r].atom == atom) return static_cast<int>(r);
    return -1;
  }

  /// The torsion of one of two equivalent branches about the bond to their planar centre.
  void fold(const EquivalentBranches& equivalent) {
    if (equivalent.branches.size() != 2 || around(equivalent.centre).size() != 3) return;
    const int a = equivalent.branches[0][0], b = equivalent.branches[1][0];
    if (!is(a, "H") && around(a).size() == 1) return;  // a carboxylate turns freely, as a methyl group does
    for (const auto& [one, other] : {std::array{a, b}, std::array{b, a}}) {
      const int r = row_of(one), p = row_of(other);
      if (r < 0 || p < 0) continue;
      const ZMatrixRow &row = z_matrix_.rows[static_cast<std::size_t>(r)],
                       &partner = z_matrix_.rows[static_cast<std::size_t>(p)];
      const double opening = torsions_[static_cast<std::size_t>(p)];
      if (row.bond != equivalent.centre || partner.bond != equivalent.centre || partner.angle != row.angle ||
          partner.torsion != one || contains(around(row.bond), row.torsion) || std::abs(opening) < pi - planar_margin)
        continue;
      result_.ranges[static_cast<std::size_t>(r)] =
          nearest_half(torsions_[static_cast<std::size_t>(r)] + 0.5 * (opening > 0 ? opening - pi : opening + pi));
      result_.folds[static_cast<std::size_t>(r)] = p;
      return;
    }
  }

  void add_group(const EquivalentBranches& equivalent) {
    LabelledBranches group{equivalent.branches, {}};
    const auto leads_a_branch = [&](int atom) {
      return std::any_of(group.branches.begin(), group.branches.end(), [&](const auto& b) { return b[0] == atom; });
    };
    for (std::size_t r = 0; r < z_matrix_.rows.size(); ++r) {
      const ZMatrixRow& row = z_matrix_.rows[r];
      if (row.bond == equivalent.centre && result_.ranges[r] != TorsionRange::full &&
          (leads_a_branch(row.atom) || leads_a_branch(row.angle) || leads_a_branch(row.torsion)))
        group.confined_rows.push_back(static_cast<int>(r));
    }
    if (!group.confined_rows.empty()) result_.groups.push_back(std::move(group));
  }

  const MolecularSystem& system_;
  const ZMatrix& z_matrix_;
  const std::vector<double>& torsions_;
  std::vector<std::vector<int>> neighbours_;
  TorsionConfinement result_;
};

}  // namespace

std::vector<std::vector<int>> neighbours_of(const MolecularSystem& system) {
  std::vector<std::vector<int>> neighbours(static_cast<std::size_t>(system.n_atoms()));
  for (const auto& [i, j] : system.bonds) {
    neighbours[static_cast<std::size_t>(i)].push_back(j);
    neighbours[static_cast<std::size_t>(j)].push_back(i);
  }
  for (auto& list : neighbours) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return neighbours;
}

TorsionRange nearest_half(double torsion) {
  const double sine = std::sin(torsion), cosine = std::cos(torsion);
  if (std::abs(sine) > std::abs(cosine)) return sine > 0 ? TorsionRange::upper_half : TorsionRange::lower_half;
  return cosine > 0 ? TorsionRange::front_half : TorsionRange::back_half;
}

bool holds(TorsionRange range, double torsion) {
  switch (range) {
    case TorsionRange::upper_half:
      return std::sin(torsion) >= 0;
    case TorsionRange::lower_half:
      return std::sin(torsion) < 0;
    case TorsionRange::front_half:
      return std::cos(torsion) >= 0;
    case TorsionRange::back_half:
      return std::cos(torsion) < 0;
    case TorsionRange::full:
      break;
  }
  return true;
}

TorsionConfinement confine_torsions(const MolecularSystem& system, const ZMatrix& z_matrix,
                                    const std::vector<double>& torsions) {
  return Confiner(system, z_matrix, torsions).confine();
}

void relabel_group(const ZMatrix& z_matrix, const TorsionConfinement& confinement, const LabelledBranches& group,
                   std::span<double> frame) {
  const auto torsion_of = [&](int r) {
    const ZMatrixRow& row = z_matrix.rows[static_cast<std::size_t>(r)];
    return torsion_between(frame, row.torsion, row.angle, row.bond, row.atom);
  };
  const auto fits = [&] {
    return std::all_of(group.confined_rows.begin(), group.confined_rows.end(), [&](int r) {
      double torsion = torsion_of(r);
      if (const int partner = confinement.folds[static_cast<std::size_t>(r)]; partner >= 0) {
        const double opening = torsion_of(partner);
        torsion += 0.5 * (opening > 0 ? opening - pi : opening + pi);
      }
      return holds(confinement.ranges[static_cast<std::size_t>(r)], torsion);
    });
  };
  if (fits()) return;
  using Place = std::array<double, 3>;
  std::vector<std::vector<Place>> places;
  for (const auto& branch : group.branches) {
    places.emplace_back();
    for (const int atom : branch) {
      const auto p = frame.subspan(3 * static_cast<std::size_t>(atom), 3);
      places.back().push_back({p[0], p[1], p[2]});
    }
  }
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto apply = [&] {
    for (std::size_t b = 0; b < order.size(); ++b)
      for (std::size_t k = 0; k < group.branches[b].size(); ++k)
        std::copy(places[order[b]][k].begin(), places[order[b]][k].end(), frame.begin() + 3 * group.branches[b][k]);
  };
  while (std::next_permutation(order.begin(), order.end())) {
    apply();
    if (fits()) return;
  }
  apply();  // next_permutation has come back to the first order
}

}  // namespace boltzflow
