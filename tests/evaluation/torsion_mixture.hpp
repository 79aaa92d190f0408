// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <vector>

#include "boltzflow/base/random.hpp"

namespace boltzflow {

/// Pairs of torsions from a mixture of wrapped normals that looks like alanine dipeptide: four basins at phi < 0, one
/// at phi > 0.
struct TorsionMixture {
  struct Basin {
    double weight, phi, psi, deviation;  // rad
  };
  std::vector<Basin> basins = {{0.42, -1.35, -0.40, 0.28},
                               {0.30, -1.25, 2.55, 0.32},
                               {0.2575, -2.55, 2.70, 0.33},
                               {0.02, -2.60, 0.10, 0.30},
                               {0.0025, 0.95, 0.60, 0.20}};

  /// The exact weight of phi > 0, what the basins at -150 degrees leak over the seam included.
  double population_phi_positive() const {
    double sum = 0;
    for (const Basin& basin : basins)
      for (int turn = -2; turn <= 2; ++turn) {
        const auto below = [&](double x) {
          return 0.5 * std::erfc((basin.phi - x) / (basin.deviation * std::sqrt(2.0)));
        };
        sum +=
            basin.weight * (below((2 * turn + 1) * 3.14159265358979323846) - below(2 * turn * 3.14159265358979323846));
      }
    return sum;
  }

  void sample(std::size_t n, RandomStream random, std::vector<double>& phi, std::vector<double>& psi) const {
    phi.clear();
    psi.clear();
    for (std::size_t i = 0; i < n; ++i) {
      double u = random.uniform();
      std::size_t b = 0;
      while (b + 1 < basins.size() && u >= basins[b].weight) u -= basins[b++].weight;
      const auto wrapped = [](double x) { return std::remainder(x, 2 * 3.14159265358979323846); };
      phi.push_back(wrapped(basins[b].phi + basins[b].deviation * random.normal()));
      psi.push_back(wrapped(basins[b].psi + basins[b].deviation * random.normal()));
    }
  }
};

}  // namespace boltzflow
