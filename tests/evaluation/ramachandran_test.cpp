// SPDX-License-Identifier: MIT
#include "boltzflow/evaluation/ramachandran.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "evaluation/torsion_mixture.hpp"

namespace boltzflow {
namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

TEST(Ramachandran, HistogramsAndDistancesAgreeWithBruteForce) {
  std::vector<double> phi, psi, other_phi, other_psi, weight;
  const TorsionMixture mixture;
  mixture.sample(3000, RandomStream(1), phi, psi);
  mixture.sample(2000, RandomStream(2), other_phi, other_psi);
  RandomStream random(3);
  for (std::size_t n = 0; n < 2000; ++n) weight.push_back(random.uniform());
  const double total = std::accumulate(weight.begin(), weight.end(), 0.0);

  std::map<std::pair<int, int>, double> p, q;
  const auto cell = [](double a, double b) {
    return std::pair(static_cast<int>((a + pi) / (2 * pi) * 100), static_cast<int>((b + pi) / (2 * pi) * 100));
  };
  for (std::size_t n = 0; n < 3000; ++n) p[cell(phi[n], psi[n])] += 1.0 / 3000;
  for (std::size_t n = 0; n < 2000; ++n) q[cell(other_phi[n], other_psi[n])] += weight[n] / total;
  const double area = std::pow(2 * pi / 100, 2);
  double distance = 0, divergence = 0;
  for (int i = 0; i < 100; ++i)
    for (int j = 0; j < 100; ++j) {
      const double density_p = p[{i, j}] / area, density_q = q[{i, j}] / area;
      distance += 0.5 * std::abs(density_p - density_q) * area;
      divergence += density_p * std::log((density_p + 1e-10) / (density_q + 1e-10)) * area;
    }
  const auto reference = torus_histogram(phi, psi, {}), flow = torus_histogram(other_phi, other_psi, weight);
  EXPECT_NEAR(total_variation(reference, flow), distance, 1e-12);
  EXPECT_NEAR(kullback_leibler_divergence(reference, flow), divergence, 1e-10);
}

TEST(Ramachandran, DistancesOfEqualAndOfDisjointHistograms) {
  const std::vector here{0.1}, there{2.0};
  const auto a = torus_histogram(here, here, {}), b = torus_histogram(there, there, {});
  EXPECT_EQ(total_variation(a, a), 0);
  EXPECT_EQ(kullback_leibler_divergence(a, a), 0);
  EXPECT_DOUBLE_EQ(total_variation(a, b), 1);
  const double area = std::pow(2 * pi / 100, 2);
  EXPECT_NEAR(kullback_leibler_divergence(a, b), std::log(1 / area / 1e-10 + 1), 1e-9);
}

TEST(Ramachandran, AnglesWrapAroundTheSeam) {
  const auto at = [](double angle) {
    const auto histogram = circle_histogram(std::vector{angle}, {}, 100).probability;
    return std::find(histogram.begin(), histogram.end(), 1.0) - histogram.begin();
  };
  EXPECT_EQ(at(-pi), 0);
  EXPECT_EQ(at(pi), 0);
  EXPECT_EQ(at(pi - 1e-12), 99);
  EXPECT_EQ(at(0.0), 50);
  EXPECT_EQ(at(-pi - 1e-12), 99);
  EXPECT_LE(at(std::nextafter(-pi, -4)), 99);  // either side: turns are rounded
  EXPECT_EQ(at(0.001 + 20 * pi), 50);
  EXPECT_EQ(at(3 * pi - 0.001), 99);
}

TEST(Ramachandran, RefusesDegenerateInput) {
  const std::vector one{0.0}, two{0.0, 0.0};
  EXPECT_THROW(torus_histogram({}, {}, {}), InputError);
  EXPECT_THROW(torus_histogram(one, two, {}), InputError);
  EXPECT_THROW(torus_histogram(one, one, two), InputError);
  EXPECT_THROW(torus_histogram(one, std::vector{not_a_number}, {}), InputError);
  EXPECT_THROW(torus_histogram(one, one, std::vector{-1.0}), InputError);
  EXPECT_THROW(torus_histogram(one, one, std::vector{0.0}), InputError);
  EXPECT_THROW(torus_histogram(one, one, std::vector{not_a_number}), InputError);
  EXPECT_THROW(total_variation(torus_histogram(one, one, {}, 10), torus_histogram(one, one, {}, 20)), InputError);
  EXPECT_THROW(kullback_leibler_divergence(circle_histogram(one, {}, 100), torus_histogram(one, one, {}, 10)),
               InputError);
}

}  // namespace
}  // namespace boltzflow
