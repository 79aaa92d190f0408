// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/build_z_matrix.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <tuple>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/peptide_z_matrix.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "boltzflow/coordinates/torsion_ranges.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"

namespace boltzflow {
namespace {

const double collinear_sine = std::sin(8 * 3.14159265358979 / 180);

class Builder {
 public:
  explicit Builder(const MolecularSystem& system)
      : system_(system), neighbours_(neighbours_of(system)), placed_(neighbours_.size(), 0) {}

  ZMatrix build() {
    choose_root();
    for (const bool hydrogens : {false, true}) grow(hydrogens);
    // A hydrogen may carry further atoms (a bridge); whatever is left hangs on those.
    grow(false);
    grow(true);
    for (int atom = 0; atom < system_.n_atoms(); ++atom)
      if (!is_placed(atom))
        throw InputError(
            fmt::format("Z-matrix: {} is not connected to the rest by bonds; add the missing bonds or a Z-matrix",
                        describe_atom(system_, atom)));
    return z_matrix_;
  }

 private:
  const std::vector<int>& around(int atom) const { return neighbours_[static_cast<std::size_t>(atom)]; }
  bool is_placed(int atom) const { return placed_[static_cast<std::size_t>(atom)] != 0; }
  bool is_hydrogen(int atom) const { return system_.atoms[static_cast<std::size_t>(atom)].element == "H"; }
  bool bent(int a, int b, int c) const { return std::sin(angle_between(system_.positions, a, b, c)) > collinear_sine; }
  void place(int atom) {
    placed_[static_cast<std::size_t>(atom)] = 1;
    placement_.push_back(atom);
  }

  /// Distances in bonds from one atom.
  std::vector<int> bonds_from(int start) const {
    std::vector<int> distance(neighbours_.size(), -1);
    std::deque<int> queue{start};
    distance[static_cast<std::size_t>(start)] = 0;
    for (; !queue.empty(); queue.pop_front())
      for (const int next : around(queue.front()))
        if (distance[static_cast<std::size_t>(next)] < 0) {
          distance[static_cast<std::size_t>(next)] = distance[static_cast<std::size_t>(queue.front())] + 1;
          queue.push_back(next);
        }
    return distance;
  }

  /// The bent chain a-b-c with the fewest hydrogens whose middle atom is nearest to every other atom.
  void choose_root() {
    using Rank = std::tuple<int, int, int, int, int>;  // hydrogens, eccentricity, then indices to be definite
    Rank best{std::numeric_limits<int>::max(), 0, 0, 0, 0};
    for (int b = 0; b < system_.n_atoms(); ++b) {
      if (around(b).size() < 2) continue;
      const auto distance = bonds_from(b);
      const int eccentricity = *std::max_element(distance.begin(), distance.end());
      for (const int a : around(b))
        for (const int c : around(b)) {
          if (a >= c || !bent(a, b, c)) continue;
          best = std::min(best, Rank{is_hydrogen(a) + is_hydrogen(b) + is_hydrogen(c), eccentricity, b, a, c});
        }
    }
    if (std::get<0>(best) == std::numeric_limits<int>::max())
      throw InputError(
          "Z-matrix: the molecule has no three bonded atoms that are not on one line; internal coordinates need them");
    z_matrix_.root = {std::get<3>(best), std::get<2>(best), std::get<4>(best)};
    for (const int atom : z_matrix_.root) place(atom);
  }

  /// Places what can be reached, breadth first, hydrogens or heavy atoms alone.
  void grow(bool hydrogens) {
    for (std::size_t k = 0; k < placement_.size(); ++k) {
      const int centre = placement_[k];
      for (const int atom : around(centre))
        if (!is_placed(atom) && is_hydrogen(atom) == hydrogens) add_row(atom, centre);
    }
  }

  void add_row(int atom, int bond) {
    std::vector<int> angles, torsions;
    // Angle reference: a placed neighbour of the centre, the one placed first; else any placed atom, the nearest by
    // bonds.
    for (const int candidate : by_distance(bond))
      if (bent(atom, bond, candidate)) angles.push_back(candidate);
    for (const int angle : angles) {
      for (const int torsion : torsion_candidates(bond, angle)) {
        if (!bent(bond, angle, torsion)) continue;
        z_matrix_.rows.push_back({atom, bond, angle, torsion});
        place(atom);
        return;
      }
    }
    throw InputError(fmt::format("Z-matrix: no three placed atoms near {} are off one line; give the system a Z-matrix",
                                 describe_atom(system_, atom)));
  }

  /// Placed atoms other than the centre: those bonded to it first, in placement order, then by distance in bonds.
  std::vector<int> by_distance(int centre) const {
    const auto distance = bonds_from(centre);
    std::vector<int> atoms;
    for (const int atom : placement_)
      if (atom != centre && distance[static_cast<std::size_t>(atom)] > 0) atoms.push_back(atom);
    std::stable_sort(atoms.begin(), atoms.end(), [&](int a, int b) {
      return distance[static_cast<std::size_t>(a)] < distance[static_cast<std::size_t>(b)];
    });
    return atoms;
  }

  /// Another placed neighbour of the centre (improper: moves along with it), else a neighbour of the angle reference
  /// (proper), else anything.
  std::vector<int> torsion_candidates(int bond, int angle) const {
    std::vector<int> candidates;
    const auto add = [&](int atom) {
      if (atom != bond && atom != angle && is_placed(atom) &&
          std::find(candidates.begin(), candidates.end(), atom) == candidates.end())
        candidates.push_back(atom);
    };
    for (const int atom : placement_)
      if (std::find(around(bond).begin(), around(bond).end(), atom) != around(bond).end()) add(atom);
    for (const int atom : placement_)
      if (std::find(around(angle).begin(), around(angle).end(), atom) != around(angle).end()) add(atom);
    for (const int atom : by_distance(bond)) add(atom);
    return candidates;
  }

  const MolecularSystem& system_;
  std::vector<std::vector<int>> neighbours_;
  std::vector<char> placed_;
  std::vector<int> placement_;
  ZMatrix z_matrix_{};
};

}  // namespace

ZMatrix build_z_matrix(const MolecularSystem& system) {
  if (const auto peptide = recognise_peptide(system)) return peptide_z_matrix(system, *peptide);
  return build_general_z_matrix(system);
}

ZMatrix build_general_z_matrix(const MolecularSystem& system) { return Builder(system).build(); }

}  // namespace boltzflow
