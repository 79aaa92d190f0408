// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/equivalent_branches.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "boltzflow/coordinates/torsion_ranges.hpp"

namespace boltzflow {
namespace {

class Symmetry {
 public:
  explicit Symmetry(const MolecularSystem& system) : neighbours_(neighbours_of(system)) { refine_colours(system); }

  const std::vector<int>& around(int atom) const { return neighbours_[static_cast<std::size_t>(atom)]; }
  int colour(int atom) const { return colours_[static_cast<std::size_t>(atom)]; }

  /// Pairs (atom of a's branch, its image in b's) of an exchange that fixes the centre, with (a, b) first.
  std::optional<std::vector<std::pair<int, int>>> exchange(int centre, int a, int b) const {
    std::map<int, int> image{{a, b}, {b, a}};
    std::vector<std::pair<int, int>> pairs{{a, b}};
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      const auto [u, v] = pairs[k];
      // Atoms on both sides, as CZ of a phenyl ring, stay where they are.
      const auto from_u = beyond(u, v, centre, image), from_v = beyond(v, u, centre, image);
      if (from_u.size() != from_v.size()) return std::nullopt;
      for (std::size_t i = 0; i < from_u.size(); ++i) {
        if (colour(from_u[i]) != colour(from_v[i]) || from_u[i] == from_v[i]) return std::nullopt;
        image[from_u[i]] = from_v[i], image[from_v[i]] = from_u[i];
        pairs.emplace_back(from_u[i], from_v[i]);
      }
    }
    const auto moved = [&](int atom) {
      const auto found = image.find(atom);
      return found == image.end() ? atom : found->second;
    };
    for (const auto& [atom, other] : image) {
      if (is_stereocentre(atom)) return std::nullopt;
      for (const int neighbour : around(atom)) {
        const auto& list = around(other);
        if (std::find(list.begin(), list.end(), moved(neighbour)) == list.end()) return std::nullopt;
      }
    }
    return pairs;
  }

 private:
  bool is_stereocentre(int atom) const {
    if (around(atom).size() != 4) return false;
    std::vector<int> colours;
    for (const int other : around(atom)) colours.push_back(colour(other));
    std::sort(colours.begin(), colours.end());
    return std::adjacent_find(colours.begin(), colours.end()) == colours.end();
  }

  std::vector<int> beyond(int atom, int partner, int centre, const std::map<int, int>& image) const {
    std::vector<int> atoms;
    const auto& shared = around(partner);
    for (const int other : around(atom))
      if (other != centre && other != partner && !image.contains(other) &&
          std::find(shared.begin(), shared.end(), other) == shared.end())
        atoms.push_back(other);
    std::sort(atoms.begin(), atoms.end(),
              [&](int i, int j) { return std::pair(colour(i), i) < std::pair(colour(j), j); });
    return atoms;
  }

  /// Colour refinement (Weisfeiler-Leman): atoms of one colour have alike neighbours, and so have these, and so on.
  void refine_colours(const MolecularSystem& system) {
    const std::size_t n = neighbours_.size();
    using Kind = std::tuple<std::string, double, double, double>;
    std::map<Kind, int> kinds;
    const auto kind = [&](std::size_t i) {
      if (system.nonbonded.size() != n) return Kind{system.atoms[i].element, 0, 0, 0};
      const auto& p = system.nonbonded[i];
      return Kind{system.atoms[i].element, p.charge, p.sigma, p.epsilon};
    };
    for (std::size_t i = 0; i < n; ++i) kinds.emplace(kind(i), 0);
    int next = 0;
    for (auto& entry : kinds) entry.second = next++;
    for (std::size_t i = 0; i < n; ++i) colours_.push_back(kinds.at(kind(i)));
    for (std::size_t n_colours = kinds.size();;) {
      using Signature = std::pair<int, std::vector<int>>;
      std::map<Signature, int> signatures;
      std::vector<Signature> of(n);
      for (std::size_t i = 0; i < n; ++i) {
        of[i].first = colours_[i];
        for (const int other : neighbours_[i]) of[i].second.push_back(colour(other));
        std::sort(of[i].second.begin(), of[i].second.end());
        signatures.emplace(of[i], 0);
      }
      int count = 0;
      for (auto& entry : signatures) entry.second = count++;
      for (std::size_t i = 0; i < n; ++i) colours_[i] = signatures.at(of[i]);
      if (signatures.size() == n_colours) return;
      n_colours = signatures.size();
    }
  }

  std::vector<std::vector<int>> neighbours_;
  std::vector<int> colours_;
};

}  // namespace

std::vector<EquivalentBranches> find_equivalent_branches(const MolecularSystem& system) {
  const Symmetry symmetry(system);
  std::vector<EquivalentBranches> found;
  for (int centre = 0; centre < system.n_atoms(); ++centre) {
    std::vector<int> rest = symmetry.around(centre);
    while (!rest.empty()) {
      const int first = rest.front();
      EquivalentBranches group{centre, {}};
      std::vector<int> others;
      for (const int atom : rest) {
        if (atom == first) continue;
        const auto pairs =
            symmetry.colour(atom) == symmetry.colour(first) ? symmetry.exchange(centre, first, atom) : std::nullopt;
        if (!pairs) {
          others.push_back(atom);
          continue;
        }
        if (group.branches.empty()) {
          group.branches.emplace_back();
          for (const auto& [a, b] : *pairs) group.branches[0].push_back(a);
        }
        group.branches.emplace_back();
        for (const auto& [a, b] : *pairs) group.branches.back().push_back(b);
      }
      if (!group.branches.empty()) found.push_back(std::move(group));
      rest = std::move(others);
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.branches[0].size() > b.branches[0].size(); });
  return found;
}

}  // namespace boltzflow
