// SPDX-License-Identifier: MIT
#include "boltzflow/sampling/reference/constraints.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow::sampling::reference {
namespace {

using Point = std::array<double, 3>;

Point difference(std::span<const double> x, const DistanceConstraint& c) {
  return {x[3 * c.i] - x[3 * c.j], x[3 * c.i + 1] - x[3 * c.j + 1], x[3 * c.i + 2] - x[3 * c.j + 2]};
}
double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// Solves a x = b, a row by row, by elimination with pivots.
std::vector<double> solved(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t r = k + 1; r < n; ++r)
      if (std::abs(a[r * n + k]) > std::abs(a[pivot * n + k])) pivot = r;
    std::swap_ranges(a.begin() + static_cast<std::ptrdiff_t>(k * n), a.begin() + static_cast<std::ptrdiff_t>(k * n + n),
                     a.begin() + static_cast<std::ptrdiff_t>(pivot * n));
    std::swap(b[k], b[pivot]);
    for (std::size_t r = k + 1; r < n; ++r) {
      const double factor = a[r * n + k] / a[k * n + k];
      for (std::size_t c = k; c < n; ++c) a[r * n + c] -= factor * a[k * n + c];
      b[r] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t c = k + 1; c < n; ++c) b[k] -= a[k * n + c] * b[c];
    b[k] /= a[k * n + k];
  }
  return b;
}

/// Row k, column l: how the difference of k's atoms, seen along `seen`, changes with the multiplier of l, which moves
/// along `direction`: seen_k . M^-1 (direction of l on the atoms of k).
std::vector<double> coupling(std::span<const DistanceConstraint> constraints, std::span<const double> masses,
                             std::span<const double> seen, std::span<const double> direction) {
  const std::size_t n = constraints.size();
  std::vector<double> matrix(n * n);
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t l = 0; l < n; ++l) {
      const DistanceConstraint &a = constraints[k], &b = constraints[l];
      double inverse_mass = 0;
      if (a.i == b.i) inverse_mass += 1 / masses[a.i];
      if (a.i == b.j) inverse_mass -= 1 / masses[a.i];
      if (a.j == b.i) inverse_mass -= 1 / masses[a.j];
      if (a.j == b.j) inverse_mass += 1 / masses[a.j];
      matrix[k * n + l] = inverse_mass * dot(difference(seen, a), difference(direction, b));
    }
  }
  return matrix;
}

void add(std::span<const DistanceConstraint> constraints, std::span<const double> masses,
         std::span<const double> direction, std::span<const double> multipliers, std::vector<double>& values) {
  for (std::size_t k = 0; k < constraints.size(); ++k) {
    const DistanceConstraint& c = constraints[k];
    const Point d = difference(direction, c);
    for (int a = 0; a < 3; ++a) {
      values[3 * c.i + a] += multipliers[k] * d[a] / masses[c.i];
      values[3 * c.j + a] -= multipliers[k] * d[a] / masses[c.j];
    }
  }
}

}  // namespace

std::vector<double> project_positions(std::span<const DistanceConstraint> constraints, std::span<const double> masses,
                                      std::span<const double> start, std::span<const double> positions) {
  std::vector<double> x(positions.begin(), positions.end());
  for (int iteration = 0; iteration < 50; ++iteration) {
    std::vector<double> missing;
    double worst = 0;
    for (const DistanceConstraint& c : constraints) {
      const Point d = difference(x, c);
      missing.push_back(0.5 * (c.distance * c.distance - dot(d, d)));
      worst = std::max(worst, std::abs(missing.back()) / (c.distance * c.distance));
    }
    if (worst < 1e-14) return x;
    add(constraints, masses, start, solved(coupling(constraints, masses, x, start), missing), x);
  }
  throw Error(ExitStatus::failure, "constraints: Newton's method did not meet them; choose a smaller time step");
}

std::vector<double> project_velocities(std::span<const DistanceConstraint> constraints, std::span<const double> masses,
                                       std::span<const double> positions, std::span<const double> velocities) {
  std::vector<double> v(velocities.begin(), velocities.end()), along;
  for (const DistanceConstraint& c : constraints) along.push_back(-dot(difference(positions, c), difference(v, c)));
  add(constraints, masses, positions, solved(coupling(constraints, masses, positions, positions), along), v);
  return v;
}

}  // namespace boltzflow::sampling::reference
