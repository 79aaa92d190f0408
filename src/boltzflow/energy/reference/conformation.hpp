// SPDX-License-Identifier: MIT
// What the parts of the reference force field share: vectors in space, and one conformation with its gradient.
#pragma once
#include <array>
#include <cmath>
#include <vector>

#include "boltzflow/energy/force_field_tables.hpp"

namespace boltzflow::energy::reference {

using Vector = std::array<double, 3>;
using Terms = std::array<double, n_force_field_terms>;

inline Vector operator-(const Vector& a, const Vector& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
inline Vector operator+(const Vector& a, const Vector& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
inline Vector operator*(double s, const Vector& a) { return {s * a[0], s * a[1], s * a[2]}; }
inline double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
inline double norm(const Vector& a) { return std::sqrt(dot(a, a)); }
inline Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// One conformation and the gradient it collects.
struct Conformation {
  const double* positions;
  std::vector<Vector> gradient;

  inline Vector operator[](int i) const { return {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]}; }
  void add(int i, const Vector& g) { gradient[i] = gradient[i] + g; }
};

}  // namespace boltzflow::energy::reference
