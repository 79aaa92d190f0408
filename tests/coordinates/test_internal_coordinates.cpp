// SPDX-License-Identifier: MIT
#include "boltzflow/coordinates/internal_coordinates.hpp"

#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/coordinates/reference/internal_coordinates_reference.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

std::vector<MolecularSystem> systems() {
  return {alanine_dipeptide(), ethylamine(), chiral_aldehyde(), hydrogen_peroxide(), formamide()};
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

// dx/dz by central differences beside the six rigid motions (unit translations, unit rotation vectors) is a square
// matrix; a unit rotation vector at beta = pi/2 is the Euler measure, whose two normalised full turns add 2 log 2 pi.
TEST(InternalCoordinatesReference, LogDetIsThatOfTheDenseJacobian) {
  for (const auto& system : systems()) {
    const InternalCoordinates coordinates(system);
    const InternalCoordinatesReference reference(system, coordinates);
    const auto n = 3 * static_cast<std::size_t>(system.n_atoms());
    ASSERT_EQ(static_cast<std::size_t>(coordinates.dimension()) + 6, n);
    const auto samples = base_samples(coordinates, 3, 11);
    for (std::size_t s = 0; s < 3; ++s) {
      auto z = column(samples, 3, s);
      std::vector<double> x(n), plus(n), minus(n), jacobian(n * n, 0.0);
      const double log_det = reference.to_cartesian(z, x);
      constexpr double h = 1e-5;
      for (std::size_t k = 0; k < z.size(); ++k) {
        const double before = z[k];
        z[k] = before + h, reference.to_cartesian(z, plus);
        z[k] = before - h, reference.to_cartesian(z, minus);
        z[k] = before;
        for (std::size_t i = 0; i < n; ++i) jacobian[i * n + k] = (plus[i] - minus[i]) / (2 * h);
      }
      for (std::size_t a = 0; a < n; a += 3) {
        const std::size_t c = n - 6;
        for (std::size_t k = 0; k < 3; ++k) jacobian[(a + k) * n + c + k] = 1;
        jacobian[(a + 1) * n + c + 3] = -x[a + 2], jacobian[(a + 2) * n + c + 3] = x[a + 1];
        jacobian[a * n + c + 4] = x[a + 2], jacobian[(a + 2) * n + c + 4] = -x[a];
        jacobian[a * n + c + 5] = -x[a + 1], jacobian[(a + 1) * n + c + 5] = x[a];
      }
      // Central differences: 60 columns of relative error up to 1e-8.
      EXPECT_NEAR(log_det, log_abs_det(jacobian, n) + 2 * std::log(2 * pi), 1e-6) << system.name;
    }
  }
}

TEST(InternalCoordinates, KernelsAgreeWithReference) {
  for (const auto& system : systems())
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      const InternalCoordinates coordinates(system);
      const InternalCoordinatesReference reference(system, coordinates);
      constexpr std::size_t n = 101;  // six whole tiles of the widest kind and a rest
      const auto width = 3 * static_cast<std::size_t>(system.n_atoms());
      const auto z = base_samples(coordinates, n, 5);
      const auto z32 = to_float(z);
      std::vector<double> x(n * width), log_det(n), log_det32(n), expected(width);
      std::vector<float> x32(n * width);
      coordinates.to_cartesian(z, x, log_det);
      coordinates.to_cartesian(z32, x32, log_det32);
      for (std::size_t s = 0; s < n; ++s) {
        const double expected_log_det = reference.to_cartesian(column(z, n, s), expected);
        EXPECT_NEAR(log_det[s], expected_log_det, 1e-12)
            << system.name << ' ' << name_of(set);  // of about -100: 1e-14 relative
        EXPECT_LE(largest_difference(std::span(x).subspan(s * width, width), expected), 2e-14);
        // Float: an angle or torsion is off by 2e-7 rad, over a chain of bonds 0.15 nm long up to 1 nm in all; a
        // rotation about a nearly collinear triple amplifies it a few times. Measured 6e-7 nm.
        const std::vector<double> wide(x32.begin() + static_cast<std::ptrdiff_t>(s * width),
                                       x32.begin() + static_cast<std::ptrdiff_t>((s + 1) * width));
        EXPECT_LE(largest_difference(wide, expected), 3e-6) << system.name << ' ' << name_of(set);
        EXPECT_NEAR(log_det32[s], expected_log_det, 5e-6) << system.name << ' ' << name_of(set);  // measured 1e-6
      }
    }
}

TEST(InternalCoordinates, RoundTripReturnsZAndLogDetUnderAnyRigidMotion) {
  for (const auto& system : systems())
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      const InternalCoordinates coordinates(system);
      constexpr std::size_t n = 333;
      const auto width = 3 * static_cast<std::size_t>(system.n_atoms());
      const auto z = base_samples(coordinates, n, 17);
      std::vector<double> x(n * width), log_det(n), z_again(z.size()), log_det_again(n);
      coordinates.to_cartesian(z, x, log_det);
      for (std::size_t i = 0; i < x.size(); i += 3) {  // turned and moved
        const double c = std::cos(0.7), s = std::sin(0.7), a = x[i], b = x[i + 1], d = x[i + 2];
        x[i] = c * a - s * b + 3, x[i + 1] = d - 2, x[i + 2] = -(s * a + c * b) + 1;
      }
      std::vector<std::uint8_t> representable(n);
      coordinates.from_cartesian(x, z_again, log_det_again, representable);
      // Near +-pi z may come back on the other side of the seam.
      for (std::size_t i = 0; i < z.size(); ++i) {
        const double difference = std::abs(z[i] - z_again[i]);
        EXPECT_LE(std::min(difference, 1 - difference), 1e-11);  // positions of 4 nm: 4e-16 / (0.07 nm) times a few
      }
      EXPECT_LE(largest_difference(log_det, log_det_again), 1e-11);
      for (const auto flag : representable) EXPECT_EQ(flag, 1);

      const auto z32 = to_float(z);
      std::vector<float> x32(n * width), z32_again(z.size());
      coordinates.to_cartesian(z32, x32, log_det);
      coordinates.from_cartesian(x32, z32_again, log_det_again, representable);
      for (std::size_t i = 0; i < z.size(); ++i) {
        const double difference = std::abs(z32[i] - z32_again[i]);
        EXPECT_LE(std::min(difference, 1 - difference),
                  2e-5);  // positions to 6e-8 nm through 0.07 nm, sines down to 0.3
      }
      EXPECT_LE(largest_difference(log_det, log_det_again), 5e-5);
      for (const auto flag : representable) EXPECT_EQ(flag, 1);
    }
}

TEST(InternalCoordinates, FromCartesianAgreesWithReferenceOnArbitraryPositions) {
  for (const auto& system : systems())
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      const InternalCoordinates coordinates(system);
      const InternalCoordinatesReference reference(system, coordinates);
      constexpr std::size_t n = 67;
      const auto width = 3 * static_cast<std::size_t>(system.n_atoms());
      RandomStream random(23);
      std::vector<double> x;
      for (std::size_t s = 0; s < n; ++s)  // from nearly the reference structure to noise
        for (std::size_t i = 0; i < width; ++i)
          x.push_back(system.positions[i] + random.normal() * 0.2 * static_cast<double>(s) / static_cast<double>(n));
      std::vector<double> z(n * static_cast<std::size_t>(coordinates.dimension())), log_det(n);
      std::vector<std::uint8_t> representable(n);
      coordinates.from_cartesian(x, z, log_det, representable);
      int n_representable = 0;
      for (std::size_t s = 0; s < n; ++s) {
        std::vector<double> expected(static_cast<std::size_t>(coordinates.dimension()));
        bool expected_representable = false;
        const double expected_log_det =
            reference.from_cartesian(std::span(x).subspan(s * width, width), expected, expected_representable);
        EXPECT_LE(largest_difference(column(z, n, s), expected), 1e-12);
        EXPECT_NEAR(log_det[s], expected_log_det, 1e-11);
        EXPECT_EQ(representable[s] != 0, expected_representable);
        n_representable += representable[s];
      }
      EXPECT_GT(n_representable, 0);
      EXPECT_LT(n_representable, static_cast<int>(n));
    }
}

// The literature's values for this system: reference document of TA-BG's coordinates.
TEST(InternalCoordinates, AlanineDipeptideHasTheLiteratureCoordinates) {
  const auto& system = alanine_dipeptide();
  const InternalCoordinates coordinates(system);
  EXPECT_EQ(coordinates.dimension(), 60);
  std::vector<int> confined;
  for (std::size_t r = 0; r < coordinates.torsion_ranges().size(); ++r)
    if (coordinates.torsion_ranges()[r] != TorsionRange::full) confined.push_back(static_cast<int>(r));
  EXPECT_EQ(confined, (std::vector<int>{2, 3, 8, 9, 15, 16, 17}));
  for (const int r : {2, 8, 15, 17})
    EXPECT_EQ(coordinates.torsion_ranges()[static_cast<std::size_t>(r)], TorsionRange::upper_half);
  for (const int r : {3, 9, 16})
    EXPECT_EQ(coordinates.torsion_ranges()[static_cast<std::size_t>(r)], TorsionRange::lower_half);

  std::vector<double> z(60), log_det(1);
  std::vector<std::uint8_t> representable(1);
  coordinates.from_cartesian(system.positions, z, log_det, representable);
  EXPECT_EQ(representable[0], 1);
  for (int k = 0; k < 41; ++k) EXPECT_NEAR(z[static_cast<std::size_t>(k)], 0.5, 1e-12);
  const double scaler = 21 * std::log(0.07) + 20 * std::log(1.8 / pi);
  EXPECT_NEAR(scaler, -67.0, 0.05);
  EXPECT_NEAR(log_det[0] - scaler + 7 * std::log(2.0), -29.3, 0.05);
}

// H(q_0) = H(base) + E[log|det|]; the literature's start of annealing.
TEST(InternalCoordinates, EntropyOfTheBaseIsTheLiteratureValue) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  constexpr std::size_t n = 20000;
  const auto z = to_float(base_samples(coordinates, n, 3));
  std::vector<float> x(n * 66);
  std::vector<double> log_det(n);
  coordinates.to_cartesian(z, x, log_det);
  double mean = 0;
  for (const double value : log_det) mean += value / n;
  const double mass = std::erf(5 / std::sqrt(2.0)), density_at_5 = std::exp(-12.5) / std::sqrt(2 * pi);
  const double per_dimension = std::log(0.1 * std::sqrt(2 * pi) * mass) + 0.5 * (1 - 10 * density_at_5 / mass);
  // Standard error of the mean 0.005; the literature's number is rounded to 0.01.
  EXPECT_NEAR(41 * per_dimension + mean, -137.85, 0.03);
}

TEST(InternalCoordinates, MirrorImageAndSwappedHydrogensAreNotRepresentable) {
  for (const auto& system : {alanine_dipeptide(), chiral_aldehyde()}) {
    const InternalCoordinates coordinates(system);
    std::vector<double> z(static_cast<std::size_t>(coordinates.dimension())), log_det(1);
    std::vector<std::uint8_t> representable(1);
    auto mirrored = system.positions;
    for (std::size_t i = 0; i < mirrored.size(); i += 3) mirrored[i] = -mirrored[i];
    coordinates.from_cartesian(mirrored, z, log_det, representable);
    EXPECT_EQ(representable[0], 0) << system.name;
    EXPECT_TRUE(std::isfinite(log_det[0]));
    for (const double value : z) EXPECT_TRUE(value >= 0 && value <= 1);
  }
  const InternalCoordinates coordinates(alanine_dipeptide());
  auto swapped = alanine_dipeptide().positions;
  for (int k = 0; k < 3; ++k)
    std::swap(swapped[36 + static_cast<std::size_t>(k)], swapped[39 + static_cast<std::size_t>(k)]);
  std::vector<double> z(60), log_det(1);
  std::vector<std::uint8_t> representable(1);
  coordinates.from_cartesian(swapped, z, log_det, representable);
  EXPECT_EQ(representable[0], 0);
}

TEST(InternalCoordinates, AStretchedBondIsNotRepresentableAndClamped) {
  const auto& system = alanine_dipeptide();
  const InternalCoordinates coordinates(system);
  auto x = system.positions;  // atom 5 (O) away from atom 4
  for (std::size_t k = 0; k < 3; ++k) x[15 + k] = x[12 + k] + 1.5 * (x[15 + k] - x[12 + k]);
  std::vector<double> z(60), log_det(1), again(66), log_det_again(1);
  std::vector<std::uint8_t> representable(1);
  coordinates.from_cartesian(x, z, log_det, representable);
  EXPECT_EQ(representable[0], 0);
  EXPECT_EQ(z[2 + 5], 1.0);  // the bond of row 5
  coordinates.to_cartesian(z, again, log_det_again);
  EXPECT_NEAR(log_det[0], log_det_again[0], 1e-11);  // that of the z given, not of the stretched bond
}

TEST(InternalCoordinates, EdgesOfTheDomainAndBeyond) {
  for (const auto& system : systems())
    for (const auto set : instruction_sets()) {
      const WithInstructionSet forced(set);
      const InternalCoordinates coordinates(system);
      const InternalCoordinatesReference reference(system, coordinates);
      const double tiny = std::numeric_limits<float>::denorm_min();
      const std::vector<double> values{0.0,   1.0,  0.5,  0.25, 0.75, tiny, 1e-7, 1 - 1e-7,
                                       -0.25, 1.25, -3.0, 40.5, -1e6, 1e6,  1e30, -1e30};
      const std::size_t n = values.size();
      const auto width = 3 * static_cast<std::size_t>(system.n_atoms()),
                 d = static_cast<std::size_t>(coordinates.dimension());
      std::vector<double> z, x(n * width), log_det(n), expected(width);
      for (std::size_t k = 0; k < d; ++k) z.insert(z.end(), values.begin(), values.end());
      coordinates.to_cartesian(z, x, log_det);
      for (std::size_t s = 0; s < n; ++s) {
        const double expected_log_det = reference.to_cartesian(column(z, n, s), expected);
        EXPECT_LE(largest_difference(std::span(x).subspan(s * width, width), expected), 1e-12)
            << values[s] << ' ' << system.name;
        EXPECT_NEAR(log_det[s], expected_log_det, 1e-11) << values[s];
      }
      std::vector<float> x32(n * width), gradient(n * d);
      coordinates.to_cartesian(to_float(z), x32, log_det);
      const std::vector<float> ones(n * width, 1.0f);
      coordinates.to_cartesian_gradient(to_float(z), ones, log_det, gradient);
      for (const float v : x32) EXPECT_TRUE(std::isfinite(v));
      for (const double v : log_det) EXPECT_TRUE(std::isfinite(v));
      for (const float v : gradient) EXPECT_TRUE(std::isfinite(v));
    }
}

TEST(InternalCoordinates, NaNInOneSampleStaysThere) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  for (const auto set : instruction_sets()) {
    const WithInstructionSet forced(set);
    for (const std::size_t dimension : {std::size_t{4}, std::size_t{30}, std::size_t{50}}) {
      auto z = to_float(base_samples(coordinates, 32, 1));
      z[dimension * 32 + 5] = std::numeric_limits<float>::quiet_NaN();
      std::vector<float> x(32 * 66);
      std::vector<double> log_det(32);
      coordinates.to_cartesian(z, x, log_det);
      for (std::size_t s = 0; s < 32; ++s) {
        bool finite = true;
        for (std::size_t i = 0; i < 66; ++i) finite = finite && std::isfinite(x[s * 66 + i]);
        EXPECT_EQ(finite, s != 5) << dimension;
        if (s != 5) {
          EXPECT_TRUE(std::isfinite(log_det[s]));
        }
      }
      if (dimension < 41) {
        EXPECT_TRUE(std::isnan(log_det[5])) << dimension;
      }
    }
  }
}

TEST(InternalCoordinates, AFrameThatIsNotFiniteIsNotRepresentableAndAlone) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  const auto& reference = alanine_dipeptide().positions;
  for (const auto set : instruction_sets()) {
    const WithInstructionSet forced(set);
    std::vector<double> x, z(60 * 20), log_det(20), gradient(66 * 20);
    for (int s = 0; s < 20; ++s) x.insert(x.end(), reference.begin(), reference.end());
    x[66 * 3 + 7] = std::numeric_limits<double>::quiet_NaN();
    x[66 * 17 + 40] = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < 66; ++i) x[66 * 9 + i] = 0.0;  // all atoms in one place: finite, not representable
    std::vector<std::uint8_t> representable(20);
    coordinates.from_cartesian(x, z, log_det, representable);
    for (std::size_t s = 0; s < 20; ++s) EXPECT_EQ(representable[s], s == 3 || s == 17 || s == 9 ? 0 : 1) << s;
    EXPECT_TRUE(std::isfinite(log_det[9]));
    for (const double value : column(z, 20, 9)) EXPECT_TRUE(value >= 0 && value <= 1);
    coordinates.from_cartesian_gradient(x, std::vector<double>(60 * 20, 1.0), std::vector<double>(20, 1.0), gradient);
    for (std::size_t i = 0; i < 66; ++i) {
      EXPECT_TRUE(std::isfinite(gradient[66 * 9 + i]));
      EXPECT_TRUE(std::isfinite(gradient[i]));
    }
  }
}

TEST(InternalCoordinates, AMillionRandomPointsAreFinite) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  constexpr std::size_t batch = 1 << 15;
  std::vector<float> z(60 * batch), x(66 * batch), gradient(60 * batch);
  std::vector<double> log_det(batch);
  RandomStream random(99);
  for (int k = 0; k < 31; ++k) {
    // All of the cube, its corners over-represented, where angles come closest to 0 and pi.
    for (auto& value : z) {
      const float u = random.uniform_float();
      value = k % 2 == 0 ? u : u < 0.3f ? 0.0f : u > 0.7f ? 1.0f : u;
    }
    coordinates.to_cartesian(z, x, log_det);
    double checksum = 0;
    for (const float value : x) checksum += value * 0.0f;  // NaN or infinity times 0 is NaN
    for (const double value : log_det) checksum += value * 0.0;
    if (k < 4) {
      coordinates.to_cartesian_gradient(z, x, log_det, gradient);
      for (const float value : gradient) checksum += value * 0.0f;
    }
    ASSERT_EQ(checksum, 0.0) << "batch " << k;
  }
}

TEST(InternalCoordinates, ConstrainedBondsAreNoDimension) {
  auto system = ethylamine();
  for (int h = 3; h < 10; ++h)
    for (const auto& [i, j] : system.bonds)
      if (j == h) system.constraints.push_back({h, i, 0.1085});
  const InternalCoordinates coordinates(system);
  EXPECT_EQ(coordinates.dimension(), 24 - 7);
  const InternalCoordinatesReference reference(system, coordinates);
  const auto z = base_samples(coordinates, 9, 4);
  std::vector<double> x(9 * 30), log_det(9), expected(30);
  coordinates.to_cartesian(z, x, log_det);
  for (std::size_t s = 0; s < 9; ++s) {
    EXPECT_NEAR(log_det[s], reference.to_cartesian(column(z, 9, s), expected), 1e-12);
    for (const auto& c : system.constraints)
      EXPECT_NEAR(distance_between(std::span(x).subspan(s * 30, 30), c.i, c.j), 0.1085, 1e-14);
  }
  std::vector<double> again(z.size()), log_det_again(9), gradient(z.size());
  std::vector<std::uint8_t> representable(9);
  coordinates.from_cartesian(x, again, log_det_again, representable);
  EXPECT_LE(largest_difference(z, again), 1e-11);
  EXPECT_LE(largest_difference(log_det, log_det_again), 1e-11);
  for (auto& value : x) value *= 1.05;  // bonds 5 % too long
  coordinates.from_cartesian(x, again, log_det_again, representable);
  EXPECT_EQ(representable[0], 0);

  system.constraints.push_back({0, 2, 0.25});  // no bond
  EXPECT_THROW(InternalCoordinates{system}, InputError);
}

TEST(InternalCoordinates, ResultsDoNotDependOnTheNumberOfThreads) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  constexpr std::size_t n = 1000;
  const auto z = to_float(base_samples(coordinates, n, 8));
  std::vector<float> one(n * 66), three(n * 66);
  std::vector<double> log_det_one(n), log_det_three(n);
  set_thread_count(1);
  coordinates.to_cartesian(z, one, log_det_one);
  set_thread_count(3);
  coordinates.to_cartesian(z, three, log_det_three);
  set_thread_count(0);
  EXPECT_EQ(one, three);
  EXPECT_EQ(log_det_one, log_det_three);
}

TEST(InternalCoordinates, WrongSizesAndBadReferenceStructuresAreErrors) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  std::vector<double> z(60), x(65), log_det(1);
  EXPECT_THROW(coordinates.to_cartesian(z, x, log_det), InputError);
  EXPECT_THROW(coordinates.relabel_equivalent_atoms(x), InputError);
  auto system = ethylamine();
  system.positions.clear();
  EXPECT_THROW(InternalCoordinates{system}, InputError);
  system = ethylamine();
  system.positions[4] = std::nan("");
  EXPECT_THROW(InternalCoordinates{system}, InputError);
  system = ethylamine();
  for (int k = 0; k < 3; ++k)
    system.positions[static_cast<std::size_t>(9 + k)] = system.positions[static_cast<std::size_t>(k)];
  EXPECT_THROW(InternalCoordinates{system}, InputError);  // an atom upon another
}

}  // namespace
}  // namespace boltzflow
