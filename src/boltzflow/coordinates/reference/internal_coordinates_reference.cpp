// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/z_matrix_order.hpp"

namespace boltzflow {
namespace {

using Vector = std::array<double, 3>;

Vector at(std::span<const double> positions, int atom) {
  const auto i = 3 * static_cast<std::size_t>(atom);
  return {positions[i], positions[i + 1], positions[i + 2]};
}
Vector minus(const Vector& a, const Vector& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
Vector times(const Vector& a, double s) { return {a[0] * s, a[1] * s, a[2] * s}; }
double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
double norm(const Vector& a) { return std::sqrt(dot(a, a)); }

double clamp_z(double z) { return std::clamp(z, 0.0, 1.0); }
constexpr double bond_width = 0.07, angle_width = 1.8, smallest_bond = 1e-6, smallest_angle = 1e-3;

/// Where a half circle begins, in rad.
double beginning_of(TorsionRange range) {
  switch (range) {
    case TorsionRange::upper_half:
      return 0;
    case TorsionRange::front_half:
      return -pi / 2;
    case TorsionRange::back_half:
      return pi / 2;
    default:
      return -pi;
  }
}

/// z as a torsion, and back.
double torsion_value(TorsionRange range, double z) {
  if (z < 0 || z > 1) z -= std::floor(z);
  return beginning_of(range) + (range == TorsionRange::full ? 2 * pi : pi) * z;
}
double torsion_coordinate(TorsionRange range, double torsion) {
  const double z = (torsion - beginning_of(range)) / (range == TorsionRange::full ? 2 * pi : pi);
  if (range == TorsionRange::full) return z;
  return z < -0.5 ? z + 2 : z > 1.5 ? z - 2 : z;  // the nearest end, across the seam
}

}  // namespace

double distance_between(std::span<const double> positions, int a, int b) {
  return norm(minus(at(positions, a), at(positions, b)));
}
double angle_between(std::span<const double> positions, int a, int b, int c) {
  const Vector u = minus(at(positions, a), at(positions, b)), v = minus(at(positions, c), at(positions, b));
  return std::atan2(norm(cross(u, v)), dot(u, v));
}
double torsion_between(std::span<const double> positions, int a, int b, int c, int d) {
  const Vector b1 = minus(at(positions, b), at(positions, a)), b2 = minus(at(positions, c), at(positions, b)),
               b3 = minus(at(positions, d), at(positions, c));
  const Vector m = cross(b1, b2), n = cross(b2, b3);
  return std::atan2(dot(b1, n) * norm(b2), dot(m, n));
}

InternalCoordinatesReference::InternalCoordinatesReference(const MolecularSystem& system,
                                                           const InternalCoordinates& coordinates)
    : n_atoms_(system.n_atoms()),
      dimension_(coordinates.dimension()),
      z_matrix_(coordinates.z_matrix()),
      order_(placement_order(z_matrix_, system)),
      ranges_(coordinates.torsion_ranges()),
      folds_(coordinates.torsion_folds()) {
  const std::span<const double> x(system.positions);
  const auto add_bond = [&](int i, int j) {
    double length = distance_between(x, i, j);
    bool constrained = false;
    for (const auto& c : system.constraints)
      if ((c.i == i && c.j == j) || (c.i == j && c.j == i)) length = c.distance, constrained = true;
    minimum_.bonds.push_back(length);
    constrained_.push_back(constrained);
  };
  const auto [a, b, c] = z_matrix_.root;
  add_bond(a, b);
  add_bond(b, c);
  minimum_.angles.push_back(angle_between(x, a, b, c));
  for (const auto& row : z_matrix_.rows) {
    add_bond(row.bond, row.atom);
    minimum_.angles.push_back(angle_between(x, row.atom, row.bond, row.angle));
  }
}

double InternalCoordinatesReference::log_det(const Values& values) const {
  // N - 2 angles, N - 3 torsions, and the volume of the rotation.
  double sum = (n_atoms_ - 2) * std::log(pi) + (n_atoms_ - 3) * std::log(2 * pi) + 2 * std::log(2 * pi);
  for (std::size_t i = 0; i < values.bonds.size(); ++i) {
    sum += 2 * std::log(values.bonds[i]);
    if (!constrained_[i]) sum += std::log(bond_width);
  }
  for (const double angle : values.angles) sum += std::log(std::sin(angle)) + std::log(angle_width / pi);
  for (const TorsionRange range : ranges_)
    if (range != TorsionRange::full) sum -= std::log(2.0);
  return sum;
}

double InternalCoordinatesReference::to_cartesian(std::span<const double> z, std::span<double> positions) const {
  Values v;
  std::size_t next = 0;
  for (std::size_t i = 0; i < minimum_.bonds.size(); ++i)
    v.bonds.push_back(constrained_[i]
                          ? minimum_.bonds[i]
                          : std::max(smallest_bond, (clamp_z(z[next++]) - 0.5) * bond_width + minimum_.bonds[i]));
  for (const double minimum : minimum_.angles)
    v.angles.push_back(
        std::clamp((clamp_z(z[next++]) - 0.5) * angle_width + minimum, smallest_angle, pi - smallest_angle));
  for (const TorsionRange range : ranges_) v.torsions.push_back(torsion_value(range, z[next++]));
  for (std::size_t r = 0; r < folds_.size(); ++r)
    if (folds_[r] >= 0)
      v.torsions[r] -= 0.5 * std::remainder(v.torsions[static_cast<std::size_t>(folds_[r])] - pi, 2 * pi);

  const auto put = [&](int atom, const Vector& p) { std::copy(p.begin(), p.end(), positions.begin() + 3 * atom); };
  const double d01 = v.bonds[0], d12 = v.bonds[1], a012 = v.angles[0];
  put(z_matrix_.root[0], {0, 0, 0});
  put(z_matrix_.root[1], {d01, 0, 0});
  put(z_matrix_.root[2], {d01 - d12 * std::cos(a012), d12 * std::sin(a012), 0});
  for (const int r : order_) {
    const auto i = static_cast<std::size_t>(r);
    const ZMatrixRow& row = z_matrix_.rows[i];
    const Vector pa = at(positions, row.torsion), pb = at(positions, row.angle), pc = at(positions, row.bond);
    const Vector bond = minus(pc, pb), b = times(bond, 1 / norm(bond));
    Vector n = cross(b, minus(pa, pb));
    if (norm(n) <= 1e-12 * norm(minus(pa, pb)))  // collinear references: some normal of b
      n = std::abs(b[0]) < 0.7 ? Vector{0, b[2], -b[1]} : Vector{-b[2], 0, b[0]};
    n = times(n, 1 / norm(n));
    const Vector m = cross(n, b);
    const double d = v.bonds[i + 2], angle = v.angles[i + 1], torsion = v.torsions[i];
    Vector p = pc;
    for (std::size_t k = 0; k < 3; ++k)
      p[k] += d * (-std::cos(angle) * b[k] + std::sin(angle) * std::cos(torsion) * m[k] +
                   std::sin(angle) * std::sin(torsion) * n[k]);
    put(row.atom, p);
  }
  return log_det(v);
}

double InternalCoordinatesReference::from_cartesian(std::span<const double> x, std::span<double> z,
                                                    bool& representable) const {
  constexpr double tolerance = 1e-9, constraint_tolerance = 1e-3;
  representable = true;
  Values v;
  std::size_t next = 0;
  const auto clamped = [&](double value, double lower, double upper) {
    if (!(value >= lower - tolerance && value <= upper + tolerance)) representable = false;
    return z[next++] = std::clamp(value, lower, upper);
  };
  const auto add_bond = [&](int i, int j) {
    const std::size_t k = v.bonds.size();
    const double length = distance_between(x, i, j), minimum = minimum_.bonds[k];
    if (constrained_[k]) {
      if (!(std::abs(length - minimum) <= constraint_tolerance)) representable = false;
      v.bonds.push_back(minimum);
      return;
    }
    const double lower = std::max(0.0, (smallest_bond - minimum) / bond_width + 0.5);
    v.bonds.push_back((clamped((length - minimum) / bond_width + 0.5, lower, 1) - 0.5) * bond_width + minimum);
  };
  const auto add_angle = [&](int i, int j, int k) {
    const double minimum = minimum_.angles[v.angles.size()];
    const double lower = std::max(0.0, (smallest_angle - minimum) / angle_width + 0.5);
    const double upper = std::min(1.0, (pi - smallest_angle - minimum) / angle_width + 0.5);
    const double value = (angle_between(x, i, j, k) - minimum) / angle_width + 0.5;
    v.angles.push_back((clamped(value, lower, upper) - 0.5) * angle_width + minimum);
  };
  const auto [a, b, c] = z_matrix_.root;
  add_bond(a, b);
  add_bond(b, c);
  for (const auto& row : z_matrix_.rows) add_bond(row.bond, row.atom);
  add_angle(a, b, c);
  for (const auto& row : z_matrix_.rows) add_angle(row.atom, row.bond, row.angle);
  for (std::size_t r = 0; r < z_matrix_.rows.size(); ++r) {
    const auto& row = z_matrix_.rows[r];
    double torsion = torsion_between(x, row.torsion, row.angle, row.bond, row.atom);
    if (folds_[r] >= 0) {
      const auto& other = z_matrix_.rows[static_cast<std::size_t>(folds_[r])];
      torsion +=
          0.5 * std::remainder(torsion_between(x, other.torsion, other.angle, other.bond, other.atom) - pi, 2 * pi);
    }
    clamped(torsion_coordinate(ranges_[r], torsion), 0, 1);
  }
  return log_det(v);
}

}  // namespace boltzflow
