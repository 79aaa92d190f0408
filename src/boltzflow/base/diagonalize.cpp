// SPDX-License-Identifier: MIT
#include "boltzflow/base/diagonalize.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

constexpr int most_sweeps = 60;               // ten are many
constexpr double square_of_rounding = 1e-32;  // relative

struct Turn {
  double c, s;
  void operator()(double& left, double& right) const {
    const double l = left, r = right;
    left = c * l - s * r, right = s * l + c * r;
  }
};

}  // namespace

void diagonalize(std::span<double> a, std::span<double> vectors, std::size_t n) {
  if (a.size() != n * n || vectors.size() != n * n)
    throw InputError(
        fmt::format("diagonalization: {} and {} numbers are not two matrices of {} rows", a.size(), vectors.size(), n));
  std::fill(vectors.begin(), vectors.end(), 0.0);
  for (std::size_t i = 0; i < n; ++i) vectors[i * n + i] = 1;
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    double off_diagonal = 0, diagonal = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) (i == j ? diagonal : off_diagonal) += a[i * n + j] * a[i * n + j];
    if (!(off_diagonal > square_of_rounding * diagonal)) return;
    for (std::size_t p = 0; p + 1 < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        if (a[p * n + q] == 0) continue;
        const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1);
        const Turn turn{c, t * c};
        for (std::size_t k = 0; k < n; ++k) turn(a[k * n + p], a[k * n + q]);
        for (std::size_t k = 0; k < n; ++k) turn(a[p * n + k], a[q * n + k]);
        for (std::size_t k = 0; k < n; ++k) turn(vectors[k * n + p], vectors[k * n + q]);
      }
  }
}

}  // namespace boltzflow
