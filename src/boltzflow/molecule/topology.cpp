// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/topology.hpp"

#include <algorithm>

namespace boltzflow {

std::vector<std::vector<int>> bonded_atoms(int n_atoms, const std::vector<std::array<int, 2>>& bonds) {
  std::vector<std::vector<int>> neighbours(n_atoms);
  for (const auto& [i, j] : bonds) {
    neighbours[i].push_back(j);
    neighbours[j].push_back(i);
  }
  for (auto& list : neighbours) std::sort(list.begin(), list.end());
  return neighbours;
}

}  // namespace boltzflow
