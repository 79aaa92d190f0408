// SPDX-License-Identifier: MIT
#include "boltzflow/base/diagonalize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"

namespace boltzflow {
namespace {

using Matrix = std::vector<double>;

Matrix random_symmetric(std::size_t n, std::uint64_t seed) {
  RandomStream random(seed);
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = random.normal();
  return a;
}

/// The largest of |V diag V' - A| and |V'V - 1|.
double error_of(const Matrix& a, const Matrix& diagonal, const Matrix& v, std::size_t n) {
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double product = 0, overlap = 0;
      for (std::size_t k = 0; k < n; ++k) {
        product += v[i * n + k] * diagonal[k * n + k] * v[j * n + k];
        overlap += v[k * n + i] * v[k * n + j];
      }
      largest = std::max({largest, std::abs(product - a[i * n + j]), std::abs(overlap - (i == j ? 1 : 0))});
    }
  return largest;
}

TEST(Diagonalize, GivesValuesAndVectorsOfSymmetricMatrices) {
  for (const std::size_t n : {1, 2, 3, 4, 17, 60}) {
    const Matrix a = random_symmetric(n, n);
    Matrix diagonal = a, vectors(n * n);
    diagonalize(diagonal, vectors, n);
    EXPECT_LT(error_of(a, diagonal, vectors, n), 1e-13 * static_cast<double>(n)) << n;
  }
}

TEST(Diagonalize, DegenerateAndZeroMatricesHaveVectorsToo) {
  for (const double value : {0.0, 2.5}) {
    const std::size_t n = 5;
    Matrix a(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) a[i * n + i] = value;
    Matrix diagonal = a, vectors(n * n);
    diagonalize(diagonal, vectors, n);
    EXPECT_EQ(error_of(a, diagonal, vectors, n), 0);
  }
  // A projector of rank one: the value 3 once, 0 otherwise.
  const std::size_t n = 3;
  const Matrix a(n * n, 1.0);
  Matrix diagonal = a, vectors(n * n);
  diagonalize(diagonal, vectors, n);
  std::vector<double> values = {diagonal[0], diagonal[4], diagonal[8]};
  std::ranges::sort(values);
  EXPECT_NEAR(values[0], 0, 1e-15);
  EXPECT_NEAR(values[1], 0, 1e-15);
  EXPECT_NEAR(values[2], 3, 1e-15);
  EXPECT_LT(error_of(a, diagonal, vectors, n), 1e-14);
}

TEST(Diagonalize, KeepsSmallValuesOfGradedMatrices) {
  const Matrix a = {1, 1e-8, 1e-8, 1e-12};  // determinant 1e-12 - 1e-16
  Matrix diagonal = a, vectors(4);
  diagonalize(diagonal, vectors, 2);
  EXPECT_NEAR(std::min(diagonal[0], diagonal[3]) / (1e-12 - 1e-16), 1, 1e-10);
}

TEST(Diagonalize, RefusesWhatIsNotSquare) {
  Matrix a(6), v(4);
  EXPECT_THROW(diagonalize(a, v, 2), InputError);
  EXPECT_THROW(diagonalize(v, a, 2), InputError);
}

}  // namespace
}  // namespace boltzflow
