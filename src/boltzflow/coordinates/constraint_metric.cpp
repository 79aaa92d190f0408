// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/constraint_metric.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"

namespace boltzflow {

double log_constraint_metric(const MolecularSystem& system, std::span<const double> frame) {
  if (frame.size() != 3 * system.atoms.size())
    throw InputError(
        fmt::format("constraint metric: a frame of {} values for {} atoms", frame.size(), system.n_atoms()));
  const std::size_t n = system.constraints.size();
  std::vector<std::array<double, 3>> direction(n);
  for (std::size_t a = 0; a < n; ++a) {
    const DistanceConstraint& c = system.constraints[a];
    double square = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      direction[a][k] = frame[3 * static_cast<std::size_t>(c.i) + k] - frame[3 * static_cast<std::size_t>(c.j) + k];
      square += direction[a][k] * direction[a][k];
    }
    for (double& component : direction[a]) component /= std::sqrt(square);
    for (const int atom : {c.i, c.j})
      if (!(system.atoms[static_cast<std::size_t>(atom)].mass > 0))
        throw InputError(
            fmt::format("constraint metric: {} is constrained and has no mass", describe_atom(system, atom)));
  }
  std::vector<double> h(n * n, 0.0);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b <= a; ++b)
      for (const int i : {system.constraints[a].i, system.constraints[a].j})
        for (const int j : {system.constraints[b].i, system.constraints[b].j}) {
          if (i != j) continue;
          // The gradient of |x_i - x_j| is the direction at i and its negative at j.
          const double sign = (i == system.constraints[a].i ? 1 : -1) * (j == system.constraints[b].i ? 1 : -1);
          for (std::size_t k = 0; k < 3; ++k)
            h[a * n + b] += sign * direction[a][k] * direction[b][k] / system.atoms[static_cast<std::size_t>(i)].mass;
        }
  // Cholesky: H is positive definite where the constraints are independent.
  double half_log = 0;
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = h[a * n + b];
      for (std::size_t k = 0; k < b; ++k) sum -= h[a * n + k] * h[b * n + k];
      if (a != b) {
        h[a * n + b] = sum / h[b * n + b];
        continue;
      }
      if (!(sum > 0))
        throw InputError(fmt::format("constraint metric of {}: the constraint between {} and {} follows from others",
                                     system.name, describe_atom(system, system.constraints[a].i),
                                     describe_atom(system, system.constraints[a].j)));
      h[a * n + a] = std::sqrt(sum);
      half_log += std::log(h[a * n + a]);
    }
  return half_log;
}

}  // namespace boltzflow
