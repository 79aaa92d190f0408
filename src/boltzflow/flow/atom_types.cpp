// SPDX-License-Identifier: MIT
#include "boltzflow/flow/atom_types.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace boltzflow {
namespace {

/// Every distinct label gets the next integer.
template <class Label>
std::vector<int> numbered(const std::vector<Label>& labels) {
  std::map<Label, int> numbers;
  std::vector<int> types;
  for (const Label& label : labels)
    types.push_back(numbers.try_emplace(label, static_cast<int>(numbers.size())).first->second);
  return types;
}

}  // namespace

std::vector<int> topological_atom_types(const MolecularSystem& system) {
  const auto n = static_cast<std::size_t>(system.n_atoms());
  std::vector<std::vector<std::size_t>> neighbours(n);
  for (const auto& [i, j] : system.bonds) {
    neighbours[static_cast<std::size_t>(i)].push_back(static_cast<std::size_t>(j));
    neighbours[static_cast<std::size_t>(j)].push_back(static_cast<std::size_t>(i));
  }
  std::vector<std::string> elements;
  for (const Atom& atom : system.atoms) elements.push_back(atom.element);
  std::vector<int> types = numbered(elements);
  for (std::size_t n_types = 0;;) {
    const auto n_now = static_cast<std::size_t>(types.empty() ? 0 : 1 + *std::ranges::max_element(types));
    if (n_now == n_types) return types;
    n_types = n_now;
    std::vector<std::pair<int, std::vector<int>>> labels(n);
    for (std::size_t atom = 0; atom < n; ++atom) {
      labels[atom].first = types[atom];
      for (const std::size_t neighbour : neighbours[atom]) labels[atom].second.push_back(types[neighbour]);
      std::ranges::sort(labels[atom].second);
    }
    types = numbered(labels);
  }
}

}  // namespace boltzflow
