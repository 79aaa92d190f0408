// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/cartesian_coordinates.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "boltzflow/base/errors.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

constexpr CentreOfMass both[] = {CentreOfMass::helmert, CentreOfMass::noise};

std::vector<double> normals(std::size_t n, std::uint64_t seed, double scale = 1) {
  RandomStream random(seed);
  std::vector<double> values(n);
  for (double& value : values) value = scale * random.normal();
  return values;
}

TEST(CartesianCoordinates, BasisIsOrthonormalAndFreeOfTranslations) {
  const CartesianCoordinates map(7, 0.2, CentreOfMass::helmert);
  const std::vector<double> basis = map.basis();
  const std::size_t rows = 21, d = 18;
  ASSERT_EQ(basis.size(), rows * d);
  for (std::size_t a = 0; a < d; ++a) {
    for (std::size_t b = 0; b < d; ++b) {
      double product = 0;
      for (std::size_t i = 0; i < rows; ++i) product += basis[i * d + a] * basis[i * d + b];
      EXPECT_NEAR(product, a == b, 1e-15);
    }
    for (std::size_t axis = 0; axis < 3; ++axis) {
      double sum = 0;
      for (std::size_t i = axis; i < rows; i += 3) sum += basis[i * d + a];
      EXPECT_NEAR(sum, 0, 1e-15);
    }
  }
}

// The running sums against the dense product with the basis, for every number of atoms up to 30.
TEST(CartesianCoordinates, IsTheProductWithTheBasis) {
  for (int n_atoms = 2; n_atoms <= 30; ++n_atoms) {
    const CartesianCoordinates map(n_atoms, 0.3, CentreOfMass::helmert);
    const std::vector<double> basis = map.basis();
    const auto d = static_cast<std::size_t>(map.dimension()), width = d + 3;
    const std::vector<double> z = normals(d, 2);
    std::vector<double> x(width), log_det(1);
    map.to_cartesian(z, x, log_det);
    for (std::size_t i = 0; i < width; ++i) {
      double expected = 0;
      for (std::size_t k = 0; k < d; ++k) expected += 0.3 * basis[i * d + k] * z[k];
      EXPECT_NEAR(x[i], expected, 3e-15);  // 90 terms of order 1
    }
  }
}

TEST(CartesianCoordinates, InverseUndoesTheMapFromAnyPlacement) {
  constexpr std::size_t n = 67;  // four whole tiles and a rest
  for (const CentreOfMass centre : both) {
    const CartesianCoordinates map(22, 0.17, centre);
    const auto d = static_cast<std::size_t>(map.dimension());
    const std::vector<double> z = normals(d * n, 4);
    std::vector<double> x(66 * n), x_again(66 * n), z_again(d * n), log_det(n), log_det_again(n);
    std::vector<std::uint8_t> representable(n);
    map.to_cartesian(z, x, log_det);
    for (std::size_t sample = 0; sample < n; ++sample)
      for (std::size_t axis = 0; axis < 3; ++axis) {
        double sum = 0;
        for (std::size_t i = axis; i < 66; i += 3) sum += x[sample * 66 + i];
        EXPECT_NEAR(sum, 0, 2e-15);
      }
    std::vector<double> moved = x;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += 5.0 + static_cast<double>(i % 3);
    map.from_cartesian(moved, z_again, log_det_again, representable);
    map.to_cartesian(z_again, x_again, log_det_again);
    EXPECT_LE(largest_difference(x, x_again), 5e-15);  // nm; rounding of 7 nm is 1e-15
    EXPECT_EQ(representable, std::vector<std::uint8_t>(n, 1));
    if (centre == CentreOfMass::helmert) {
      EXPECT_LE(largest_difference(z, z_again), 5e-14);
      EXPECT_EQ(log_det, log_det_again);
    }
    std::vector<float> z32 = to_float(z), x32(66 * n);
    map.to_cartesian(z32, x32, log_det_again);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x32[i], x[i], 1e-6 * 0.17 * 5);
    EXPECT_LE(largest_difference(log_det, log_det_again), 1e-5);
  }
}

/// log|det| of a square matrix, row-major, by elimination with partial pivoting.
double log_abs_det(std::vector<double> a, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t r = k; r < n; ++r)
      if (std::abs(a[r * n + k]) > std::abs(a[pivot * n + k])) pivot = r;
    for (std::size_t c = 0; c < n; ++c) std::swap(a[k * n + c], a[pivot * n + c]);
    sum += std::log(std::abs(a[k * n + k]));
    for (std::size_t r = k + 1; r < n; ++r) {
      const double factor = a[r * n + k] / a[k * n + k];
      for (std::size_t c = k; c < n; ++c) a[r * n + c] -= factor * a[k * n + c];
    }
  }
  return sum;
}

// dx/dz column by column (the map is linear, so differences are exact) beside three columns of ones for the whole
// molecule's translation by the first atom's: d^{3N} x = |det| dz d^3 (atom 0), half of which is counted.
TEST(CartesianCoordinates, LogDetIsThatOfTheDenseJacobianBesideTranslations) {
  for (const int n_atoms : {2, 5, 22}) {
    const CartesianCoordinates map(n_atoms, 0.21, CentreOfMass::helmert);
    const auto d = static_cast<std::size_t>(map.dimension()), width = d + 3;
    std::vector<double> jacobian(width * width, 0.0), x(width), log_det(1);
    for (std::size_t k = 0; k < d; ++k) {
      std::vector<double> z(d, 0.0);
      z[k] = 1;
      map.to_cartesian(z, x, log_det);
      // Atom 0 stays where it is: the others move relative to it.
      for (std::size_t i = 0; i < width; ++i) jacobian[i * width + k] = x[i] - x[i % 3];
    }
    for (std::size_t i = 0; i < width; ++i) jacobian[i * width + d + i % 3] = 1;
    EXPECT_NEAR(log_det[0], log_abs_det(jacobian, width) - std::log(2.0), 1e-12) << n_atoms;
  }
}

// With noise, log_det is that of the shape times the centre's normal density; a density that factorises gives the
// shape's log_prob back, whatever the centre.
TEST(CartesianCoordinates, NoiseAddsTheDensityOfTheCentreAndNothingElse) {
  constexpr std::size_t n = 33;
  const CartesianCoordinates shape(11, 0.21, CentreOfMass::helmert), full(11, 0.21, CentreOfMass::noise);
  std::vector<double> x = normals(33 * n, 6, 0.2), z(30 * n), z_full(33 * n), log_det(n), log_det_full(n);
  std::vector<std::uint8_t> representable(n);
  shape.from_cartesian(x, z, log_det, representable);
  full.from_cartesian(x, z_full, log_det_full, representable);
  RandomStream random(8);
  full.draw_centres(z_full, log_det_full, random);
  EXPECT_EQ(random.position(), 2u);
  const double log_2_pi = std::log(2 * pi);
  for (std::size_t sample = 0; sample < n; ++sample) {
    const auto square = [&](const std::vector<double>& v) {
      double sum = 0;
      for (std::size_t i = sample; i < v.size(); i += n) sum += v[i] * v[i];
      return sum;
    };
    const double log_prob = -0.5 * square(z) - 15 * log_2_pi, log_prob_full = -0.5 * square(z_full) - 16.5 * log_2_pi;
    EXPECT_NEAR(log_prob_full - log_det_full[sample], log_prob - log_det[sample], 1e-12);
  }
  std::vector<double> again(n), positions(33 * n);
  full.to_cartesian(z_full, positions, again);
  EXPECT_LE(largest_difference(again, log_det_full), 1e-12);
}

TEST(CartesianCoordinates, CentresAreNormalWithVarianceOneOverN) {
  constexpr std::size_t n = 20000;
  const CartesianCoordinates map(4, 1, CentreOfMass::noise);
  std::vector<double> z(12 * n, 0.0), log_det(n);
  RandomStream random(1);
  map.draw_centres(z, log_det, random);
  double mean = 0, square = 0;
  for (std::size_t row = 0; row < 3; ++row)
    for (std::size_t i = 0; i < n; ++i) {
      const double value = z[row * n + i];
      EXPECT_EQ(value, z[(row + 9) * n + i]);  // shared by all atoms
      mean += value / (3 * n), square += value * value / (3 * n);
    }
  // 60000 draws with deviation 1/2: the mean's standard error is 0.002, the variance's 0.0014; 5 of either.
  EXPECT_NEAR(mean, 0, 0.0102);
  EXPECT_NEAR(square, 0.25, 0.0072);
}

TEST(CartesianCoordinates, GradientIsThatOfFiniteDifferences) {
  for (const CentreOfMass centre : both) {
    const CartesianCoordinates map(5, 0.3, centre);
    const auto d = static_cast<std::size_t>(map.dimension());
    std::vector<double> z = normals(d, 3), x(15), log_det(1), gradient(d);
    const std::vector<double> direction = normals(15, 5), weight{0.7};
    const auto value = [&] {
      map.to_cartesian(z, x, log_det);
      return std::inner_product(x.begin(), x.end(), direction.begin(), 0.7 * log_det[0]);
    };
    map.to_cartesian_gradient(z, direction, weight, gradient);
    for (std::size_t k = 0; k < d; ++k) {
      const double before = z[k];
      z[k] = before + 1e-4;
      const double plus = value();
      z[k] = before - 1e-4;
      const double minus = value();
      z[k] = before;
      EXPECT_NEAR(gradient[k], (plus - minus) / 2e-4, 1e-10);  // quadratic: rounding 1e-15 over the step
    }
  }
}

// The weight of all conformations with exp(-u), u = |shape|^2 / (2 t^2), that internal coordinates hold, through both
// maps: by uniform draws of internal z, and by draws of the Gaussian itself in Cartesian z, where each weight is the
// Gaussian's integral or 0. This is where N^{3/2}, log 2 and the centre's density have to be right.
void compare_normalisations(const MolecularSystem& system, double t, std::size_t n, double tolerance) {
  const InternalCoordinates internal(system);
  const auto width = static_cast<std::size_t>(internal.configuration_size());
  const auto d = static_cast<std::size_t>(internal.dimension());
  const auto reduced_energy = [&](std::span<const double> x) {
    double sum = 0;  // |shape|^2 = sum over pairs of distance^2 / N
    for (std::size_t i = 0; i < width; i += 3)
      for (std::size_t j = 0; j < i; j += 3)
        for (std::size_t axis = 0; axis < 3; ++axis) sum += (x[i + axis] - x[j + axis]) * (x[i + axis] - x[j + axis]);
    return sum / (static_cast<double>(width) / 3) / (2 * t * t);
  };
  RandomStream random(12);
  std::vector<double> z(d * n), x(width * n), log_det(n);
  for (double& value : z) value = random.uniform();
  internal.to_cartesian(z, x, log_det);
  double expected = 0;
  for (std::size_t i = 0; i < n; ++i)
    expected += std::exp(-reduced_energy(std::span(x).subspan(i * width, width)) + log_det[i]) / static_cast<double>(n);
  for (const CentreOfMass centre : both) {
    const CartesianCoordinates map(static_cast<int>(width / 3), t, centre);
    const auto dimension = static_cast<std::size_t>(map.dimension());
    const std::vector<double> base = normals(dimension * n, 21);
    std::vector<std::uint8_t> inside(n);
    std::vector<double> unused(n);
    map.to_cartesian(base, x, log_det);
    internal.from_cartesian(x, z, unused, inside);
    double found = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (inside[i] == 0) continue;
      double log_prob = -0.5 * static_cast<double>(dimension) * std::log(2 * pi);
      for (std::size_t k = i; k < base.size(); k += n) log_prob -= 0.5 * base[k] * base[k];
      found += std::exp(-reduced_energy(std::span<const double>(x).subspan(i * width, width)) + log_det[i] - log_prob) /
               static_cast<double>(n);
    }
    EXPECT_NEAR(std::log(found), std::log(expected), tolerance) << system.name;
  }
}

TEST(CartesianCoordinates, NormalisationIsThatOfInternalCoordinates) {
  const MolecularSystem water = sketch("water", {{"O"}, {"H", 0, -1, -1, 0.1}, {"H", 0, 1, -1, 0.1, 104}});
  // 12.5 % (water) and 1.0 % (peroxide) of the draws fall inside, so the sums' relative standard errors are 0.5 % and
  // 1.8 % at these numbers of draws; five of them, and a little for the other side. Errors looked for: log 2,
  // 3/2 log N > 1.6, 3/2 log 2 pi = 2.8.
  compare_normalisations(water, 0.06, 250'000, 0.04);
  compare_normalisations(hydrogen_peroxide(), 0.08, 300'000, 0.1);
}

TEST(CartesianCoordinates, BadInputIsNamed) {
  EXPECT_THROW(CartesianCoordinates(1, 0.1, CentreOfMass::helmert), InputError);
  EXPECT_THROW(CartesianCoordinates(3, 0, CentreOfMass::helmert), InputError);
  EXPECT_THROW(CartesianCoordinates(3, std::nan(""), CentreOfMass::helmert), InputError);
  EXPECT_THROW((void)centre_of_mass("com"), InputError);
  EXPECT_EQ(centre_of_mass("noise"), CentreOfMass::noise);
  for (const CentreOfMass centre : both) {
    const CartesianCoordinates map(3, 0.1, centre);
    const auto d = static_cast<std::size_t>(map.dimension());
    std::vector<double> x(18, 0.1), z(2 * d), log_det(2), wrong(5);
    std::vector<std::uint8_t> representable(2);
    EXPECT_THROW(map.from_cartesian(wrong, z, log_det, representable), InputError);
    x[4] = std::numeric_limits<double>::infinity();
    map.from_cartesian(x, z, log_det, representable);
    EXPECT_EQ(representable, (std::vector<std::uint8_t>{0, 1}));
    EXPECT_EQ(z[0], 0);
    z[0] = std::nan("");
    map.to_cartesian(std::span<const double>(z), x, log_det);
    EXPECT_TRUE(std::isnan(x[0]));
    EXPECT_TRUE(std::isfinite(x[9]));
  }
}

TEST(CartesianCoordinates, ScaleIsTheSpreadOfCentredCoordinates) {
  std::vector<double> x = normals(30 * 5000, 9, 0.25);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += 100.0 + static_cast<double>(i / 30);
  // Ten atoms: centring takes a tenth of the variance. 135000 degrees of freedom: 0.2 % relative error, 5 of them.
  EXPECT_NEAR(cartesian_scale(x, 10), 0.25 * std::sqrt(0.9), 0.0024);
  EXPECT_THROW((void)cartesian_scale(std::vector<double>(30, 1.0), 10), InputError);
  EXPECT_THROW((void)cartesian_scale(std::vector<double>(31, 1.0), 10), InputError);
  EXPECT_THROW((void)cartesian_scale({}, 10), InputError);
}

}  // namespace
}  // namespace boltzflow
