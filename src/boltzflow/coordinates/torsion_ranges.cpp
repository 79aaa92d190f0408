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

using Neighbours = std::vector<std::vector<int>>;

const std::vector<int>& of(const Neighbours& neighbours, int atom) {
  return neighbours[static_cast<std::size_t>(atom)];
}
const std::string& element(const MolecularSystem& system, int atom) {
  return system.atoms[static_cast<std::size_t>(atom)].element;
}
bool is_hydrogen(const MolecularSystem& system, int atom) { return element(system, atom) == "H"; }
bool contains(const std::vector<int>& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

int count_hydrogens(const MolecularSystem& system, const std::vector<int>& atoms) {
  return static_cast<int>(std::count_if(atoms.begin(), atoms.end(), [&](int a) { return is_hydrogen(system, a); }));
}

/// The row places a hydrogen on its bond reference by an improper torsion.
bool is_improper_hydrogen(const MolecularSystem& system, const Neighbours& neighbours, const ZMatrixRow& row) {
  const auto& around = of(neighbours, row.bond);
  return is_hydrogen(system, row.atom) && contains(around, row.atom) && contains(around, row.angle) &&
         contains(around, row.torsion);
}

}  // namespace

std::vector<std::vector<int>> neighbours_of(const MolecularSystem& system) {
  Neighbours neighbours(static_cast<std::size_t>(system.n_atoms()));
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

std::vector<TorsionRange> choose_torsion_ranges(const MolecularSystem& system, const ZMatrix& z_matrix,
                                                const std::vector<double>& torsions) {
  const Neighbours neighbours = neighbours_of(system);
  std::vector<TorsionRange> ranges(z_matrix.rows.size(), TorsionRange::full);
  for (std::size_t r = 0; r < z_matrix.rows.size(); ++r) {
    const ZMatrixRow& row = z_matrix.rows[r];
    if (!is_improper_hydrogen(system, neighbours, row)) continue;
    const auto& around = of(neighbours, row.bond);
    const int n_hydrogens = count_hydrogens(system, around);
    const int n_heavy = static_cast<int>(around.size()) - n_hydrogens;
    const std::string& centre = element(system, row.bond);
    const bool chiral = centre == "C" && n_heavy == 3 && n_hydrogens == 1;
    const bool exchangeable = (centre == "C" || centre == "N") && n_hydrogens > 1;
    const double size = std::abs(torsions[r]);
    if ((!chiral && !exchangeable) || size < planar_margin || size > pi - planar_margin) continue;
    ranges[r] = torsions[r] > 0 ? TorsionRange::upper_half : TorsionRange::lower_half;
  }
  return ranges;
}

std::vector<EquivalentHydrogens> equivalent_hydrogens(const MolecularSystem& system, const ZMatrix& z_matrix,
                                                      const std::vector<TorsionRange>& ranges) {
  const Neighbours neighbours = neighbours_of(system);
  std::vector<EquivalentHydrogens> groups;
  for (int centre = 0; centre < system.n_atoms(); ++centre) {
    EquivalentHydrogens group;
    for (const int atom : of(neighbours, centre))
      if (is_hydrogen(system, atom)) group.atoms.push_back(atom);
    for (std::size_t r = 0; r < z_matrix.rows.size(); ++r)
      if (z_matrix.rows[r].bond == centre && ranges[r] != TorsionRange::full &&
          contains(group.atoms, z_matrix.rows[r].atom))
        group.confined_rows.push_back(static_cast<int>(r));
    if (group.atoms.size() > 1 && !group.confined_rows.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

void relabel_group(const ZMatrix& z_matrix, const std::vector<TorsionRange>& ranges, const EquivalentHydrogens& group,
                   std::span<double> frame) {
  const auto fits = [&] {
    return std::all_of(group.confined_rows.begin(), group.confined_rows.end(), [&](int r) {
      const ZMatrixRow& row = z_matrix.rows[static_cast<std::size_t>(r)];
      const double torsion = torsion_between(frame, row.torsion, row.angle, row.bond, row.atom);
      return (torsion >= 0) == (ranges[static_cast<std::size_t>(r)] == TorsionRange::upper_half);
    });
  };
  if (fits()) return;
  using Place = std::array<double, 3>;
  std::vector<Place> places;
  for (const int atom : group.atoms) {
    const auto p = frame.subspan(3 * static_cast<std::size_t>(atom), 3);
    places.push_back({p[0], p[1], p[2]});
  }
  std::vector<std::size_t> order(places.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto apply = [&] {
    for (std::size_t k = 0; k < order.size(); ++k)
      std::copy(places[order[k]].begin(), places[order[k]].end(), frame.begin() + 3 * group.atoms[k]);
  };
  while (std::next_permutation(order.begin(), order.end())) {
    apply();
    if (fits()) return;
  }
  apply();  // next_permutation has come back to the first order
}

}  // namespace boltzflow
