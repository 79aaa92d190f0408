// SPDX-License-Identifier: MIT
// Targeted free-energy perturbation through maps that are good, bad and random, beside exact free energies.
#include "boltzflow/training/state_map.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/coordinates/aligned_coordinates.hpp"
#include "boltzflow/coordinates/rigid_alignment.hpp"
#include "boltzflow/training/state_map_fit.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

EuclideanFlowOptions small_flow(const std::string& architecture = "nsf-coupling") {
  EuclideanFlowOptions options;
  options.architecture = architecture;
  options.n_layers = 4, options.hidden_width = 24, options.n_hidden_layers = 1, options.token_size = 1;
  return options;
}

/// Makes f a map that has nothing to do with either state.
void randomize(EuclideanFlow& flow, double scale, std::uint64_t seed) {
  const c10::NoGradGuard no_grad;
  RandomStream random(seed);
  for (at::Tensor parameter : flow.parameters())
    for (std::int64_t i = 0; i < parameter.numel(); ++i)
      parameter.mutable_data_ptr<double>()[i] += scale * random.normal();
  flow.parameters_changed();
}

/// Bennett's estimate and its error for independent works, by bisection: the equation itself, beside the project's
/// solver on another floor.
struct Bennett {
  double value, error;
};
Bennett bennett(const std::vector<double>& forward, const std::vector<double>& reverse) {
  const double m = std::log(static_cast<double>(forward.size()) / static_cast<double>(reverse.size()));
  const auto sums = [&](double f, double power) {
    std::pair<double, double> result{0, 0};
    for (const double w : forward) result.first += std::pow(1 / (1 + std::exp(w - f + m)), power);
    for (const double w : reverse) result.second += std::pow(1 / (1 + std::exp(w + f - m)), power);
    return result;
  };
  double low = -100, high = 100;
  while (high - low > 1e-10) {
    const double middle = 0.5 * (low + high);
    const auto [a, b] = sums(middle, 1);
    (a < b ? low : high) = middle;
  }
  const auto [a, b] = sums(low, 1);
  const auto [a2, b2] = sums(low, 2);
  return {low, std::sqrt(a2 / (a * a) - 1.0 / static_cast<double>(forward.size()) + b2 / (b * b) -
                         1.0 / static_cast<double>(reverse.size()))};
}
double log_mean_exp_of_negative(const std::vector<double>& works) {
  double sum = 0;
  for (const double w : works) sum += std::exp(-w);
  return std::log(sum / static_cast<double>(works.size()));
}
double finite_share(const std::vector<double>& works) {
  double n = 0;
  for (const double w : works) n += std::isfinite(w);
  return n / static_cast<double>(works.size());
}

/// Three atoms with two springs and a double well of their ends' distance, which tells A from B.
struct Trimer {
  static constexpr double length = 0.15, width = 0.01, middle = 0.22, half = 0.04;  // nm
  static double energy(double d01, double d12, double d02) {
    const double t = (d02 - middle) / half;
    return 0.5 * std::pow((d01 - length) / width, 2) + 0.5 * std::pow((d12 - length) / width, 2) +
           2 * (t * t - 1) * (t * t - 1) + 0.7 * t;
  }
  static std::vector<double> energies(const std::vector<double>& x, bool b) {
    std::vector<double> u;
    for (std::size_t n = 0; n < x.size(); n += 9) {
      const auto distance = [&](std::size_t i, std::size_t j) {
        double square = 0;
        for (std::size_t a = 0; a < 3; ++a) square += std::pow(x[n + 3 * i + a] - x[n + 3 * j + a], 2);
        return std::sqrt(square);
      };
      const double d02 = distance(0, 2);
      u.push_back((d02 > middle) == b ? energy(distance(0, 1), distance(1, 2), d02) : infinity);
    }
    return u;
  }
  /// The volume of three distances d, e, f is d e f within the triangle's inequality.
  static double weight(double d01, double d12, double d02) {
    if (d02 > d01 + d12 || d01 > d02 + d12 || d12 > d01 + d02) return 0;
    return d01 * d12 * d02 * std::exp(-energy(d01, d12, d02));
  }
  static constexpr double low = 0.10, high = 0.20, shortest = 0.08, longest = 0.36;
  /// F_B - F_A by the midpoint rule; doubling the points changes it by 1e-4.
  static double difference() {
    double z[2] = {0, 0};
    const int n = 60, m = 400;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        for (int k = 0; k < m; ++k) {
          const double d02 = shortest + (longest - shortest) * (k + 0.5) / m;
          z[d02 > middle] += weight(low + (high - low) * (i + 0.5) / n, low + (high - low) * (j + 0.5) / n, d02);
        }
    return -std::log(z[1] / z[0]);
  }
  /// n frames of a state in random orientations, by rejection.
  static std::vector<double> frames(std::size_t n, bool b, std::uint64_t seed) {
    RandomStream random(seed);
    std::vector<double> x;
    const double bound = 0.2 * 0.2 * 0.3 * std::exp(0.75);  // no energy is below -0.72
    while (x.size() < 9 * n) {
      const double d01 = low + (high - low) * random.uniform(), d12 = low + (high - low) * random.uniform(),
                   d02 = b ? middle + (longest - middle) * random.uniform()
                           : shortest + (middle - shortest) * random.uniform();
      const double w = weight(d01, d12, d02);
      EXPECT_LE(w, bound);
      if (random.uniform() * bound > w) continue;
      const double cosine = (d01 * d01 + d12 * d12 - d02 * d02) / (2 * d01 * d12);
      const double p[3][3] = {{d01, 0, 0}, {0, 0, 0}, {d12 * cosine, d12 * std::sqrt(1 - cosine * cosine), 0}};
      double q[4], norm = 0;
      for (double& value : q) value = random.normal(), norm += value * value;
      norm = std::sqrt(norm);
      const Rotation r = rotation_of_quaternion({q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm});
      for (const auto& atom : p)
        for (std::size_t a = 0; a < 3; ++a) x.push_back(r[a][0] * atom[0] + r[a][1] * atom[1] + r[a][2] * atom[2]);
    }
    return x;
  }
};

TEST(StateMap, AnyMapGivesTheExactFreeEnergyOfATrimerInRandomOrientations) {
  const std::size_t n = 6000;
  const std::vector<double> train_a = Trimer::frames(500, false, 1), train_b = Trimer::frames(500, true, 2);
  const AlignedCoordinates coordinates(mean_structure({train_a, train_b}, 3));
  const StatePoints fit_a = state_points(coordinates, train_a), fit_b = state_points(coordinates, train_b);
  const StatePoints a = state_points(coordinates, Trimer::frames(n, false, 3));
  const StatePoints b = state_points(coordinates, Trimer::frames(n, true, 4));
  const StateEnergy u_a = [](const std::vector<double>& x) { return Trimer::energies(x, false); };
  const StateEnergy u_b = [](const std::vector<double>& x) { return Trimer::energies(x, true); };
  const double exact = Trimer::difference();
  ASSERT_GT(std::abs(exact), 0.5);  // wells of different depth and volume
  const std::vector<std::uint8_t> circular(3, 0);
  for (const double scale : {0.0, 0.1, 0.2}) {
    StateMap map(fit_a.z, fit_b.z, circular, small_flow(), 5);
    randomize(map.flow(), scale, 17);
    const std::vector<double> forward = generalized_works(map, false, coordinates, a, u_a, u_b);
    const std::vector<double> reverse = generalized_works(map, true, coordinates, b, u_b, u_a);
    const Bennett estimate = bennett(forward, reverse);
    ASSERT_LT(estimate.error, 0.2) << scale;
    // Four standard errors: one false alarm in 16,000, and 0.002 of the quadrature.
    EXPECT_NEAR(estimate.value, exact, 4 * estimate.error + 0.002) << scale;
    EXPECT_LT(finite_share(forward) + finite_share(reverse), 2) << "no map of these is onto";
    if (scale > 0) continue;  // one-sided averages of worse maps scatter too much to test anything
    // One-sided averages see only what the image covers, by exactly the other side's share.
    EXPECT_NEAR(-log_mean_exp_of_negative(forward) + std::log(finite_share(reverse)), exact, 0.15) << scale;
    EXPECT_NEAR(log_mean_exp_of_negative(reverse) - std::log(finite_share(forward)), exact, 0.15) << scale;
  }
}

/// Two circles as their own coordinates.
class Circles final : public CoordinateMap {
 public:
  int dimension() const noexcept override { return 2; }
  int configuration_size() const noexcept override { return 2; }
  void to_cartesian(std::span<const float>, std::span<float>, std::span<double>) const override { FAIL(); }
  void to_cartesian(std::span<const double> z, std::span<double> x, std::span<double> log_det) const override {
    const std::size_t n = log_det.size();
    for (std::size_t i = 0; i < n; ++i) {
      x[2 * i] = z[i], x[2 * i + 1] = z[n + i];
      log_det[i] = 0;
    }
  }
  void from_cartesian(std::span<const double> x, std::span<double> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const override {
    const std::size_t n = log_det.size();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < 2; ++k) z[k * n + i] = x[2 * i + k] - std::floor(x[2 * i + k]);
      log_det[i] = 0, representable[i] = 1;
    }
  }
};

double circle_energy(double a, double b) { return -1.2 * std::cos(2 * pi * (a - b)) - std::cos(2 * pi * a) * 0.8; }
/// B goes over the seam.
int circle_state(double a) { return a > 0.25 && a < 0.7 ? 0 : a > 0.8 || a < 0.15 ? 1 : -1; }
StateEnergy circle_state_energy(int state) {
  return [state](const std::vector<double>& x) {
    std::vector<double> u;
    for (std::size_t n = 0; n < x.size(); n += 2)
      u.push_back(circle_state(x[n] - std::floor(x[n])) == state ? circle_energy(x[n], x[n + 1]) : infinity);
    return u;
  };
}
std::vector<double> circle_points(std::size_t n, int state, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> x;
  while (x.size() < 2 * n) {
    const double a = random.uniform(), b = random.uniform();
    if (circle_state(a) != state || random.uniform() * std::exp(2.0) > std::exp(-circle_energy(a, b))) continue;
    x.push_back(a), x.push_back(b);
  }
  return x;
}

TEST(StateMap, CirclesAreCutWhereTheStateIsNot) {
  double z[2] = {0, 0};
  const int m = 2000;  // steps of 0.0005 hit the windows' ends exactly
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < 100; ++j) {
      const double a = (i + 0.5) / m;
      if (circle_state(a) >= 0) z[circle_state(a)] += std::exp(-circle_energy(a, (j + 0.5) / 100));
    }
  const double exact = -std::log(z[1] / z[0]);
  const Circles coordinates;
  const StatePoints fit_a = state_points(coordinates, circle_points(300, 0, 1));
  const StatePoints fit_b = state_points(coordinates, circle_points(300, 1, 2));
  const StatePoints a = state_points(coordinates, circle_points(6000, 0, 3));
  const StatePoints b = state_points(coordinates, circle_points(6000, 1, 4));
  const std::vector<std::uint8_t> circular(2, 1);
  for (const double scale : {0.0, 0.15}) {
    StateMap map(fit_a.z, fit_b.z, circular, small_flow(), 5);
    randomize(map.flow(), scale, 18);
    // B's first coordinate spreads by 0.1 about the seam; cut there it would by 0.5.
    EXPECT_LT(map.standardized_b(fit_b.z).select(1, 0).abs().max().item<double>(), 3);
    const StateMap::Mapped there = map.forward(a.z), back = map.inverse(there.z);
    for (std::int64_t n = 0; n < 200; ++n) {
      if (there.inside[static_cast<std::size_t>(n)] == 0) continue;
      const at::Tensor change = back.z[n] - a.z[n];
      EXPECT_LT((change - change.round()).abs().max().item<double>(), 1e-7);
      EXPECT_NEAR((there.log_det[n] + back.log_det[n]).item<double>(), 0, 1e-6);
    }
    const Bennett estimate =
        bennett(generalized_works(map, false, coordinates, a, circle_state_energy(0), circle_state_energy(1)),
                generalized_works(map, true, coordinates, b, circle_state_energy(1), circle_state_energy(0)));
    ASSERT_LT(estimate.error, 0.1) << scale;
    EXPECT_NEAR(estimate.value, exact, 4 * estimate.error) << scale;
  }
}

/// A: a normal; B: its image (x, y + 0.7 x^2), bent, with the same normalisation: F_B = F_A.
class Plane final : public CoordinateMap {
 public:
  int dimension() const noexcept override { return 2; }
  int configuration_size() const noexcept override { return 2; }
  void to_cartesian(std::span<const float>, std::span<float>, std::span<double>) const override { FAIL(); }
  void to_cartesian(std::span<const double> z, std::span<double> x, std::span<double> log_det) const override {
    for (std::size_t i = 0; i < log_det.size(); ++i)
      x[2 * i] = z[i], x[2 * i + 1] = z[log_det.size() + i], log_det[i] = 0;
  }
  void from_cartesian(std::span<const double> x, std::span<double> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const override {
    for (std::size_t i = 0; i < log_det.size(); ++i)
      z[i] = x[2 * i], z[log_det.size() + i] = x[2 * i + 1], log_det[i] = 0, representable[i] = 1;
  }
};
std::vector<double> plane_points(std::size_t n, bool bent, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<double> x;
  for (std::size_t i = 0; i < n; ++i) {
    const double a = random.normal(), b = 0.5 * random.normal();
    x.push_back(a), x.push_back(b + (bent ? 0.7 * a * a : 0));
  }
  return x;
}
StateEnergy plane_energy(bool bent) {
  return [bent](const std::vector<double>& x) {
    std::vector<double> u;
    for (std::size_t n = 0; n < x.size(); n += 2) {
      const double y = x[n + 1] - (bent ? 0.7 * x[n] * x[n] : 0);
      u.push_back(0.5 * x[n] * x[n] + 2 * y * y);
    }
    return u;
  };
}

TrainingOptions fit_options() {
  TrainingOptions options;
  options.trainer.batch_size = 256;
  options.trainer.learning_rate = 3e-3;
  options.trainer.warm_up_steps = 10;
  options.trainer.ema_decay = 0.98;
  options.trainer.precision = "float32";
  options.fit.gradient_steps = 300;
  options.regflow.regularization_coefficient = 1e-3;
  return options;
}

TEST(StateMap, RegressionOnTransportedPairsBringsTheStatesTogether) {
  const Plane coordinates;
  const StatePoints fit_a = state_points(coordinates, plane_points(600, false, 1));
  const StatePoints fit_b = state_points(coordinates, plane_points(1900, true, 2));
  const StatePoints a = state_points(coordinates, plane_points(3000, false, 3));
  const StatePoints b = state_points(coordinates, plane_points(3000, true, 4));
  StateMap map(fit_a.z, fit_b.z, std::vector<std::uint8_t>(2, 0), small_flow(), 5);
  const auto estimate = [&] {
    return bennett(generalized_works(map, false, coordinates, a, plane_energy(false), plane_energy(true)),
                   generalized_works(map, true, coordinates, b, plane_energy(true), plane_energy(false)));
  };
  const Bennett before = estimate();
  std::int64_t n_steps = 0;
  const StateMapFit fit = fit_state_map(map, fit_a.z, fit_b.z, fit_options(), [&](std::int64_t step, double) {
    n_steps = step;
    return true;
  });
  EXPECT_EQ(n_steps, 300);
  EXPECT_EQ(fit.n_assignments, 3);  // every part of B's 1,900 points is assigned to all 600 of A
  EXPECT_EQ(fit.n_pairs, 1800);
  EXPECT_LT(2 * fit.regression_error, 0.5 * fit.root_mean_square_distance * fit.root_mean_square_distance);
  const Bennett after = estimate();
  EXPECT_LT(after.error, 0.7 * before.error);  // a third, where this was tried
  EXPECT_NEAR(before.value, 0, 4 * before.error);
  EXPECT_NEAR(after.value, 0, 4 * after.error);
}

TEST(StateMap, FitStopsWhenToldAndIsReproducible) {
  const Plane coordinates;
  const StatePoints a = state_points(coordinates, plane_points(100, false, 1));
  const StatePoints b = state_points(coordinates, plane_points(100, true, 2));
  at::Tensor first;
  for (int repeat = 0; repeat < 2; ++repeat) {
    StateMap map(a.z, b.z, std::vector<std::uint8_t>(2, 0), small_flow("real-nvp"), 5);
    const StateMapFit fit =
        fit_state_map(map, a.z, b.z, fit_options(), [](std::int64_t step, double) { return step < 20; });
    EXPECT_TRUE(fit.stopped);
    const at::Tensor image = map.forward(a.z).z;
    if (repeat == 0) first = image;
    EXPECT_TRUE(first.equal(image));
  }
}

TEST(StateMap, SaysWhatIsWrong) {
  const Plane coordinates;
  const StatePoints a = state_points(coordinates, plane_points(10, false, 1));
  const StatePoints one = state_points(coordinates, plane_points(1, false, 1));
  const std::vector<std::uint8_t> circular(2, 0);
  EXPECT_THROW(StateMap(a.z, one.z, circular, small_flow(), 1), InputError);
  EXPECT_THROW(StateMap(a.z, a.z, std::vector<std::uint8_t>(3, 0), small_flow(), 1), InputError);
  StateMap map(a.z, a.z, circular, small_flow(), 1);
  const StateEnergy outside = [](const std::vector<double>& x) { return std::vector<double>(x.size() / 2, infinity); };
  EXPECT_THROW(generalized_works(map, false, coordinates, a, outside, outside), InputError);
  TrainingOptions options = fit_options();
  options.regflow.targets = "reflow";
  options.regflow.target_noise = 0.1;
  try {
    fit_state_map(map, a.z, a.z, options, [](std::int64_t, double) { return true; });
    FAIL() << "accepted";
  } catch (const ConfigurationError& error) {
    EXPECT_NE(std::string(error.what()).find("method.regflow.targets"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("method.regflow.target_noise"), std::string::npos);
  }
}

}  // namespace
}  // namespace boltzflow
