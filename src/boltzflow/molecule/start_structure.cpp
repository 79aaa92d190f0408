// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/start_structure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <tuple>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/topology.hpp"

namespace boltzflow {
namespace {

constexpr double pi = std::numbers::pi;

using Vector = std::array<double, 3>;

Vector operator-(const Vector& a, const Vector& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vector unit(const Vector& a) {
  const double length = std::sqrt(dot(a, a));
  return {a[0] / length, a[1] / length, a[2] / length};
}
double distance(const Vector& a, const Vector& b) { return std::sqrt(dot(a - b, a - b)); }

/// A chain is built as if its disulphides were open.
std::vector<std::array<int, 2>> bonds_but_disulphides(const MolecularSystem& system) {
  auto bonds = system.bonds;
  std::erase_if(bonds, [&](const auto& bond) {
    const Atom &a = system.atoms[bond[0]], &b = system.atoms[bond[1]];
    return a.element == "S" && b.element == "S" &&
           std::tie(a.residue_number, a.chain) != std::tie(b.residue_number, b.chain);
  });
  return bonds;
}

/// Places atoms outwards from a first bond, all neighbours of a centre at a time.
class StructureBuilder {
 public:
  explicit StructureBuilder(const MolecularSystem& system)
      : system_(system),
        bonded_(bonded_atoms(system.n_atoms(), bonds_but_disulphides(system))),
        position_(system.atoms.size()),
        placed_(system.atoms.size(), 0) {
    for (const auto& b : system.harmonic_bonds) lengths_[std::minmax(b.i, b.j)] = b.length;
    for (const auto& c : system.constraints) lengths_.emplace(std::minmax(c.i, c.j), c.distance);
    for (const auto& a : system.harmonic_angles) angles_[{a.j, std::min(a.i, a.k), std::max(a.i, a.k)}] = a.angle;
    for (const auto& centre : stereocentres(system)) stereo_.emplace(centre.centre, centre);
  }

  std::vector<double> build() {
    // The first bond: between heavy atoms where there are two, and from the chain's beginning.
    int a = -1, b = -1;
    for (int i = 0; i < system_.n_atoms() && b < 0; ++i)
      for (int j : bonded_[i])
        if (b < 0 && !is_hydrogen(i) && !is_hydrogen(j)) a = i, b = j;
    if (b < 0) {
      if (system_.bonds.empty()) throw InputError(system_.name, "a start structure needs at least one bond");
      a = system_.bonds[0][0], b = system_.bonds[0][1];
    }
    put(a, {0, 0, 0});
    put(b, {length(a, b), 0, 0});
    place_around(b, a);
    place_around(a, b);
    for (int centre : {a, b})
      for (int i : bonded_[centre]) enqueue(i, centre);
    while (!backbone_.empty() || !others_.empty()) {
      auto& queue = backbone_.empty() ? others_ : backbone_;
      const auto [centre, parent] = queue.front();
      queue.pop_front();
      if (!visited_.insert(centre).second) continue;
      place_around(centre, parent);
      for (int i : bonded_[centre]) enqueue(i, centre);
    }
    return centred();
  }

 private:
  bool is_hydrogen(int i) const { return system_.atoms[i].element == "H"; }
  const std::string& name(int i) const { return system_.atoms[i].name; }
  bool is_backbone(int i) const { return name(i) == "N" || name(i) == "CA" || name(i) == "C"; }

  void put(int atom, const Vector& x) {
    position_[atom] = x;
    placed_[atom] = 1;
  }

  void enqueue(int atom, int parent) {
    if (bonded_[atom].size() > 1 && !visited_.contains(atom))
      (is_backbone(atom) ? backbone_ : others_).push_back({atom, parent});
  }

  double length(int i, int j) const {
    const auto found = lengths_.find(std::minmax(i, j));
    if (found == lengths_.end())
      throw InputError(system_.name, fmt::format("the bond of atoms {} and {} has no length", i, j));
    return found->second;
  }
  /// The angle to build with. Planar five-membered rings (histidine) have equilibrium angles that add up to more than
  /// the 540 degrees of a pentagon and would not close.
  double angle(int i, int j, int k) const {
    const bool in_pentagon = path(i, k, j, j, 3) == 3 && is_planar(j) && is_planar(i) && is_planar(k);
    return in_pentagon ? 0.6 * pi : equilibrium_angle(i, j, k);
  }
  double equilibrium_angle(int i, int j, int k) const {
    const auto found = angles_.find({j, std::min(i, k), std::max(i, k)});
    if (found == angles_.end())
      throw InputError(system_.name, fmt::format("the angle of atoms {}, {} and {} has no value", i, j, k));
    return found->second;
  }

  /// Fewest bonds from one atom to another without passing through two others, up to a limit; limit + 1: none.
  int path(int from, int to, int without, int also_without, int limit) const {
    std::set<int> seen{from, without, also_without};
    std::vector<int> front{from};
    for (int n = 0; n <= limit; ++n) {
      std::vector<int> next;
      for (int i : front) {
        if (i == to) return n;
        for (int j : bonded_[i])
          if (seen.insert(j).second || (j == to && i != without)) next.push_back(j);
      }
      front = std::move(next);
    }
    return limit + 1;
  }

  /// Whether x, a neighbour of a, is in a ring of up to six atoms with the bond a-b.
  bool in_ring(int x, int a, int b) const { return path(x, b, a, a, 4) <= 4; }

  bool is_planar(int i) const {
    const auto& around = bonded_[i];
    if (around.size() == 3) {
      const double sum = equilibrium_angle(around[0], i, around[1]) + equilibrium_angle(around[0], i, around[2]) +
                         equilibrium_angle(around[1], i, around[2]);
      return sum > 2 * pi - 0.1;  // a pyramid of tetrahedral angles has 5.7
    }
    return around.size() == 2 && in_ring(around[0], i, around[1]) && (name(i)[0] == 'N' || name(i)[0] == 'C');
  }

  /// Neighbours of `centre` but `parent`, those first that best tell where the others are: placed, in a ring with the
  /// bond, backbone, with most neighbours of their own.
  std::vector<int> ranked_neighbours(int centre, int parent) const {
    std::vector<int> out;
    for (int i : bonded_[centre])
      if (i != parent) out.push_back(i);
    const auto rank = [&](int i) {
      return std::tuple(!placed_[i], !in_ring(i, centre, parent), !is_backbone(i), -static_cast<int>(bonded_[i].size()),
                        i);
    };
    std::sort(out.begin(), out.end(), [&](int i, int j) { return rank(i) < rank(j); });
    return out;
  }

  /// Where an atom is, at its length from b, its angle with a, and a torsion with the point g.
  Vector point(const Vector& g, int a, int b, int atom, double torsion) const {
    const Vector along = unit(position_[b] - position_[a]);
    const Vector normal = unit(cross(position_[a] - g, along)), in_plane = cross(normal, along);
    const double r = length(atom, b), theta = angle(a, b, atom);
    Vector out;
    for (int axis = 0; axis < 3; ++axis)
      out[axis] = position_[b][axis] +
                  r * (-std::cos(theta) * along[axis] +
                       std::sin(theta) * (std::cos(torsion) * in_plane[axis] + std::sin(torsion) * normal[axis]));
    return out;
  }

  double torsion_of(const Vector& g, int a, int b, const Vector& x) const {
    const Vector along = unit(position_[b] - position_[a]);
    const Vector normal = unit(cross(position_[a] - g, along)), in_plane = cross(normal, along);
    return std::atan2(dot(x - position_[b], normal), dot(x - position_[b], in_plane));
  }

  /// The angle between two neighbours of b, seen along the bond from a; in (0, pi].
  double offset(int a, int b, int first, int other) const {
    const double first_angle = angle(a, b, first), other_angle = angle(a, b, other);
    const double cosine = (std::cos(angle(first, b, other)) - std::cos(first_angle) * std::cos(other_angle)) /
                          (std::sin(first_angle) * std::sin(other_angle));
    return std::acos(std::clamp(cosine, -1.0, 1.0));
  }

  /// Torsions that the first neighbour c of b may have with g, the best first; rad.
  std::vector<double> choices(int g, int a, int b, int c) const {
    const auto degrees = [](std::initializer_list<double> list) {
      std::vector<double> out;
      for (double value : list) out.push_back(value * pi / 180);
      return out;
    };
    if (g >= 0) {
      if (name(a) == "N" && name(b) == "CA" && name(c) == "C" && name(g) == "C") return degrees({-140});
      if (name(a) == "CA" && name(b) == "C" && name(c) == "N" && name(g) == "N") return degrees({140});
      if (path(g, c, a, b, 3) <= 3)
        return is_planar(a) && is_planar(b) ? degrees({0}) : degrees({0, 15, -15, 30, -30, 45, -45});
      if (is_planar(a) && is_planar(b)) return degrees({180, 0});
    }
    if (is_planar(a) != is_planar(b)) return degrees({90, -90, 180, 0, 120, -120, 60, -60, 150, -150, 30, -30});
    return degrees({180, -60, 60, 150, -150, -90, 90, -30, 30, 120, -120});
  }

  /// Places the neighbours of b that are not there yet; a is placed.
  void place_around(int b, int a) {
    const std::vector<int> around = ranked_neighbours(b, a);
    if (around.empty() || std::all_of(around.begin(), around.end(), [&](int i) { return placed_[i]; })) return;
    int g = -1;
    for (int i : ranked_neighbours(a, b))
      if (g < 0 && placed_[i]) g = i;
    // Before anything but the first bond is there, any direction will do.
    const Vector reference = g >= 0 ? position_[g] : Vector{position_[a][0], position_[a][1] + 1, position_[a][2]};
    const int first = around[0];
    if (placed_[first]) {
      place_at(b, a, reference, around, torsion_of(reference, a, b, position_[first]));
      return;
    }
    double best = -std::numeric_limits<double>::infinity(), best_torsion = 0;
    for (double torsion : choices(g, a, b, first)) {
      const std::vector<int> fresh = place_at(b, a, reference, around, torsion);
      const double score = room_around(fresh);
      for (int i : fresh) placed_[i] = 0;
      if (score > best + 1e-3) best = score, best_torsion = torsion;
      if (best >= 0) break;
    }
    place_at(b, a, reference, around, best_torsion);
  }

  /// Places what is not there, the first neighbour at a torsion, and mirrors the rest where the stereocentre wants it.
  std::vector<int> place_at(int b, int a, const Vector& reference, const std::vector<int>& around, double torsion) {
    std::vector<int> fresh;
    for (int i : around)
      if (!placed_[i]) fresh.push_back(i);
    for (const double handedness : {1.0, -1.0}) {
      std::vector<double> taken;
      for (int i : fresh) placed_[i] = 0;
      for (int i : around) {
        double own = torsion;
        if (placed_[i]) {
          own = torsion_of(reference, a, b, position_[i]);
        } else {
          if (i != around[0]) own = free_side(torsion, offset(a, b, around[0], i), taken, handedness);
          put(i, point(reference, a, b, i, own));
        }
        taken.push_back(own);
      }
      const auto stereo = stereo_.find(b);
      if (stereo == stereo_.end()) break;
      const auto& neighbours = stereo->second.neighbours;
      const bool complete = std::all_of(neighbours.begin(), neighbours.end(), [&](int i) { return placed_[i]; });
      if (!complete || volume(stereo->second) > 0) break;
    }
    return fresh;
  }

  /// torsion + offset or torsion - offset, whichever is farther from those taken; `handedness` decides where both are.
  static double free_side(double torsion, double offset, const std::vector<double>& taken, double handedness) {
    const auto nearest = [&](double candidate) {
      double out = pi;
      for (double other : taken) out = std::min(out, std::abs(std::remainder(candidate - other, 2 * pi)));
      return out;
    };
    const double one = torsion + handedness * offset, other = torsion - handedness * offset;
    return nearest(one) > nearest(other) - 1e-6 ? one : other;
  }

  double volume(const Stereocentre& stereo) const {
    const Vector& o = position_[stereo.centre];
    const auto& n = stereo.neighbours;
    return dot(position_[n[0]] - o, cross(position_[n[1]] - o, position_[n[2]] - o));
  }

  /// Zero or more where nothing is too near and rings close; else by how much the worst pair misses, nm.
  double room_around(const std::vector<int>& fresh) const {
    double worst = 0;
    for (int i : fresh) {
      std::map<int, int> near{{i, 0}};  // up to two bonds away
      for (int j : bonded_[i]) {
        near.emplace(j, 1);
        for (int k : bonded_[j]) near.emplace(k, 2);
      }
      for (int j = 0; j < system_.n_atoms(); ++j) {
        if (!placed_[j] || j == i) continue;
        const double r = distance(position_[i], position_[j]);
        const auto found = near.find(j);
        if (found == near.end()) {
          const double least = 0.27 - 0.035 * (is_hydrogen(i) + is_hydrogen(j));
          worst = std::min(worst, r - least);
        } else if (found->second == 1) {
          worst = std::min(worst, 0.01 - std::abs(r - length(i, j)));  // a hundredth of a nanometre is well closed
        }
      }
    }
    return worst;
  }

  std::vector<double> centred() const {
    Vector mean{0, 0, 0};
    for (const Vector& x : position_)
      for (int axis = 0; axis < 3; ++axis) mean[axis] += x[axis] / static_cast<double>(position_.size());
    std::vector<double> out;
    for (const Vector& x : position_)
      for (int axis = 0; axis < 3; ++axis) {
        out.push_back(x[axis] - mean[axis]);
        if (!std::isfinite(out.back()))
          throw InputError(system_.name,
                           "the equilibrium bonds and angles leave atoms in a line or on one another; "
                           "give a structure (--pdb) instead");
      }
    return out;
  }

  const MolecularSystem& system_;
  std::vector<std::vector<int>> bonded_;
  std::map<std::pair<int, int>, double> lengths_;
  std::map<std::array<int, 3>, double> angles_;  ///< centre, then the smaller and the larger end
  std::map<int, Stereocentre> stereo_;
  std::vector<Vector> position_;
  std::vector<char> placed_;
  std::set<int> visited_;
  std::deque<std::pair<int, int>> backbone_, others_;
};

}  // namespace

std::vector<double> start_structure(const MolecularSystem& system) { return StructureBuilder(system).build(); }

}  // namespace boltzflow
