// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/internal_geometry.hpp"

#include <fmt/format.h>

#include <cmath>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"

namespace boltzflow {
namespace {

using Vector = std::array<double, 3>;

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// Calls measure(difference) for every sample, where difference(i, j) = r_j - r_i.
template <class Float, std::size_t N, class Measure>
std::vector<double> measured(std::span<const Float> positions, int n_atoms, const std::array<int, N>& atoms,
                             const Measure& measure) {
  if (n_atoms <= 0 || positions.size() % (3 * static_cast<std::size_t>(n_atoms)) != 0)
    throw InputError(
        fmt::format("{} coordinates are no whole number of conformations of {} atoms", positions.size(), n_atoms));
  for (const int atom : atoms)
    if (atom < 0 || atom >= n_atoms)
      throw InputError(fmt::format("atom {} is out of range; the molecule has {} atoms", atom, n_atoms));
  const std::size_t stride = 3 * static_cast<std::size_t>(n_atoms);
  std::vector<double> result(positions.size() / stride);
  parallel_for(static_cast<std::int64_t>(result.size()), 1024, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto n = static_cast<std::size_t>(begin); n < static_cast<std::size_t>(end); ++n) {
      const Float* x = positions.data() + n * stride;
      result[n] = measure([x](int i, int j) -> Vector {
        return {static_cast<double>(x[3 * j]) - static_cast<double>(x[3 * i]),
                static_cast<double>(x[3 * j + 1]) - static_cast<double>(x[3 * i + 1]),
                static_cast<double>(x[3 * j + 2]) - static_cast<double>(x[3 * i + 2])};
      });
    }
  });
  return result;
}

}  // namespace

template <class Float>
std::vector<double> distances(std::span<const Float> positions, int n_atoms, std::array<int, 2> atoms) {
  return measured(positions, n_atoms, atoms, [&](const auto& difference) {
    const Vector d = difference(atoms[0], atoms[1]);
    return std::sqrt(dot(d, d));
  });
}

template <class Float>
std::vector<double> angles(std::span<const Float> positions, int n_atoms, std::array<int, 3> atoms) {
  return measured(positions, n_atoms, atoms, [&](const auto& difference) {
    const Vector a = difference(atoms[1], atoms[0]), b = difference(atoms[1], atoms[2]), c = cross(a, b);
    return std::atan2(std::sqrt(dot(c, c)), dot(a, b));  // accurate near 0 and pi, where acos is not
  });
}

template <class Float>
std::vector<double> torsion_angles(std::span<const Float> positions, int n_atoms, std::array<int, 4> atoms) {
  return measured(positions, n_atoms, atoms, [&](const auto& difference) {
    const Vector b1 = difference(atoms[0], atoms[1]), b2 = difference(atoms[1], atoms[2]),
                 b3 = difference(atoms[2], atoms[3]);
    const Vector normal = cross(b2, b3);
    const double torsion = std::atan2(std::sqrt(dot(b2, b2)) * dot(b1, normal), dot(cross(b1, b2), normal));
    return torsion >= pi ? -pi : torsion;
  });
}

template std::vector<double> distances(std::span<const float>, int, std::array<int, 2>);
template std::vector<double> distances(std::span<const double>, int, std::array<int, 2>);
template std::vector<double> angles(std::span<const float>, int, std::array<int, 3>);
template std::vector<double> angles(std::span<const double>, int, std::array<int, 3>);
template std::vector<double> torsion_angles(std::span<const float>, int, std::array<int, 4>);
template std::vector<double> torsion_angles(std::span<const double>, int, std::array<int, 4>);

}  // namespace boltzflow
