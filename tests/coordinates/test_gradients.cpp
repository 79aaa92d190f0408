// SPDX-License-Identifier: MIT
// The hand-written reverse passes against central differences of the float64 reference.
#include <cmath>

#include "boltzflow/coordinates/internal_coordinates.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

std::vector<double> normals(std::size_t n, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> out(n);
  for (auto& value : out) value = random.normal();
  return out;
}

std::vector<MolecularSystem> systems() {
  auto constrained = ethylamine();
  constrained.constraints = {{0, 3, 0.108}, {2, 8, 0.1}};
  return {alanine_dipeptide(), ethylamine(), chiral_aldehyde(), hydrogen_peroxide(), formamide(), constrained};
}

TEST(InternalCoordinatesGradient, ToCartesianMatchesFiniteDifferences) {
  for (const auto& system : systems()) {
    const InternalCoordinates coordinates(system);
    const InternalCoordinatesReference reference(system, coordinates);
    constexpr std::size_t n = 19;
    const auto width = 3 * static_cast<std::size_t>(system.n_atoms()),
               d = static_cast<std::size_t>(coordinates.dimension());
    const auto z = base_samples(coordinates, n, 31);
    const auto x_gradient = normals(n * width, 1), log_det_gradient = normals(n, 2);
    std::vector<double> expected(n * d), x(width);
    for (std::size_t s = 0; s < n; ++s) {
      auto point = column(z, n, s);
      const auto loss = [&] {
        const double log_det = reference.to_cartesian(point, x);
        return dot(x, std::span(x_gradient).subspan(s * width, width)) + log_det_gradient[s] * log_det;
      };
      for (std::size_t k = 0; k < d; ++k) {
        constexpr double h = 1e-5;
        const double before = point[k];
        point[k] = before + h;
        const double plus = loss();
        point[k] = before - h;
        const double minus = loss();
        point[k] = before;
        expected[k * n + s] = (plus - minus) / (2 * h);
      }
    }
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      std::vector<double> gradient(n * d);
      coordinates.to_cartesian_gradient(z, x_gradient, log_det_gradient, gradient);
      // Gradients of size 10; central differences leave 1e-9 of truncation and 1e-9 of rounding, more near collinear
      // atoms.
      EXPECT_LE(largest_difference(gradient, expected), 5e-7) << system.name << ' ' << name_of(set);
      std::vector<float> gradient32(n * d);
      coordinates.to_cartesian_gradient(to_float(z), to_float(x_gradient), log_det_gradient, gradient32);
      const std::vector<double> wide(gradient32.begin(), gradient32.end());
      EXPECT_LE(largest_difference(wide, gradient), 2e-4) << system.name << ' ' << name_of(set);
    }
  }
}

TEST(InternalCoordinatesGradient, FromCartesianMatchesFiniteDifferences) {
  for (const auto& system : systems()) {
    const InternalCoordinates coordinates(system);
    const InternalCoordinatesReference reference(system, coordinates);
    constexpr std::size_t n = 11;
    const auto width = 3 * static_cast<std::size_t>(system.n_atoms()),
               d = static_cast<std::size_t>(coordinates.dimension());
    auto z = base_samples(coordinates, n, 37);
    for (auto& value : z) value = 0.02 + 0.96 * value;  // away from the seams, where z jumps
    std::vector<double> x(n * width), log_det(n), expected(n * width), point(d);
    coordinates.to_cartesian(z, x, log_det);
    const auto z_gradient = normals(n * d, 3), log_det_gradient = normals(n, 4);
    for (std::size_t s = 0; s < n; ++s) {
      const std::span<double> frame = std::span(x).subspan(s * width, width);
      const auto cotangent = column(z_gradient, n, s);
      for (std::size_t i = 0; i < width; ++i) {
        const auto loss = [&] {
          bool representable = false;
          const double value = reference.from_cartesian(frame, point, representable);
          return dot(point, cotangent) + log_det_gradient[s] * value;
        };
        constexpr double h = 1e-7;
        const double before = frame[i];
        frame[i] = before + h;
        const double plus = loss();
        frame[i] = before - h;
        const double minus = loss();
        frame[i] = before;
        expected[s * width + i] = (plus - minus) / (2 * h);
      }
    }
    double scale = 0;
    for (const double value : expected) scale = std::max(scale, std::abs(value));
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      std::vector<double> gradient(n * width);
      coordinates.from_cartesian_gradient(x, z_gradient, log_det_gradient, gradient);
      // 1e-16 / 1e-7 of rounding on values of size 100, and truncation of the same size.
      EXPECT_LE(largest_difference(gradient, expected), 1e-6 * scale) << system.name << ' ' << name_of(set);
    }
  }
}

// At z outside [0,1] a bond or angle is clamped, so nothing moves.
TEST(InternalCoordinatesGradient, IsZeroWhereZIsClamped) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  auto z = base_samples(coordinates, 1, 41);
  z[3] = -0.01, z[30] = 1.02, z[45] += 2;
  std::vector<double> gradient(60);
  coordinates.to_cartesian_gradient(z, normals(66, 5), normals(1, 6), gradient);
  EXPECT_EQ(gradient[3], 0.0);
  EXPECT_EQ(gradient[30], 0.0);
  EXPECT_NE(gradient[45], 0.0);
  EXPECT_NE(gradient[4], 0.0);
}

// Three references on one line leave the torsion undefined: positions and gradients stay finite, the bond and angle
// exact.
TEST(InternalCoordinatesGradient, IsFiniteWhereReferencesAreCollinear) {
  const auto system = sketch("bent chain", {{"C"},
                                            {"C", 0, -1, -1, 0.15},
                                            {"C", 1, 0, -1, 0.15, 130},
                                            {"C", 2, 1, 0, 0.15, 140, 60},
                                            {"C", 3, 2, 1, 0.15, 120, 80}});
  const InternalCoordinates coordinates(system);
  const auto d = static_cast<std::size_t>(coordinates.dimension());
  // Every angle at its upper limit, pi - 1e-3 rad, in two samples and near it in others.
  std::vector<double> z(d * 8, 0.5);
  for (std::size_t k = 0; k < d; ++k)
    if (coordinates.dimensions()[k].kind == CoordinateKind::angle)
      for (std::size_t s = 0; s < 8; ++s) z[k * 8 + s] = 1.0 - 0.05 * static_cast<double>(s);
  for (const auto set : instruction_sets()) {
    const WithInstructionSet forced(set);
    std::vector<float> x(8 * 15), gradient(8 * d);
    std::vector<double> log_det(8), exact(8 * 15), ignored(8);
    coordinates.to_cartesian(to_float(z), x, log_det);
    coordinates.to_cartesian(z, exact, ignored);
    coordinates.to_cartesian_gradient(to_float(z), x, log_det, gradient);
    for (const float v : gradient) EXPECT_TRUE(std::isfinite(v));
    for (std::size_t s = 0; s < 8; ++s) {
      const std::vector<double> frame(x.begin() + static_cast<std::ptrdiff_t>(15 * s),
                                      x.begin() + static_cast<std::ptrdiff_t>(15 * s + 15));
      for (const auto& [i, j] : system.bonds) EXPECT_NEAR(distance_between(frame, i, j), 0.15, 1e-7);
      for (const double v : std::span(exact).subspan(15 * s, 15)) EXPECT_TRUE(std::isfinite(v));
    }
  }
}

}  // namespace
}  // namespace boltzflow
