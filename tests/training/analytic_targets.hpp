// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/training/target_density.hpp"

namespace boltzflow {

/// Two normals on [0,1]^2, narrow enough that their tails outside do not matter: 0.8 at (0.3, 0.35), 0.2 at (0.7,
/// 0.65). The reduced energy is shifted so that log Z = 2.5; a hole of infinite energy can be punched far from both.
class TwoNormals final : public TargetDensity {
 public:
  static constexpr double log_z = 2.5, second_weight = 0.2, deviation = 0.05;
  bool holes = false;

  int dimension() const override { return 2; }
  std::string description() const override { return "two normals"; }
  std::vector<std::string> basin_names() const override { return {"second"}; }
  void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                std::span<std::uint32_t> basins, std::span<float> score) const override {
    for (std::size_t i = 0; i < log_det.size(); ++i) {
      const double x = z[2 * i], y = z[2 * i + 1];
      log_det[i] = 0;
      reduced_energy[i] =
          -std::log((1 - second_weight) * normal(x, y, 0.3, 0.35) + second_weight * normal(x, y, 0.7, 0.65) + 1e-300) -
          log_z;
      if (holes && x > 0.5 && y < 0.4) reduced_energy[i] = std::numeric_limits<double>::quiet_NaN();
      basins[i] = x + y > 1 ? 1 : 0;
      if (score.empty()) continue;
      const double first = (1 - second_weight) * normal(x, y, 0.3, 0.35),
                   second = second_weight * normal(x, y, 0.7, 0.65), square = deviation * deviation;
      const double share = first / (first + second + 1e-300);
      score[2 * i] = static_cast<float>((share * (0.3 - x) + (1 - share) * (0.7 - x)) / square);
      score[2 * i + 1] = static_cast<float>((share * (0.35 - y) + (1 - share) * (0.65 - y)) / square);
    }
  }
  /// Independent samples, [n, 2].
  static std::vector<float> sample(std::int64_t n, RandomStream& random) {
    std::vector<float> z;
    for (std::int64_t i = 0; i < n; ++i) {
      const bool second = random.uniform() < second_weight;
      z.push_back(static_cast<float>((second ? 0.7 : 0.3) + deviation * random.normal()));
      z.push_back(static_cast<float>((second ? 0.65 : 0.35) + deviation * random.normal()));
    }
    return z;
  }

 private:
  static double normal(double x, double y, double mean_x, double mean_y) {
    const double square = (x - mean_x) * (x - mean_x) + (y - mean_y) * (y - mean_y);
    return std::exp(-0.5 * square / (deviation * deviation)) / (2 * M_PI * deviation * deviation);
  }
};

/// Two circles: u = -3 cos(2 (a - b)) - 1.5 cos(b) in angles a, b on a torus, with z = angle / 2 pi. Two wells in a at
/// equal weight, one across the seam; x is the angle, so log_det = 2 log 2 pi.
class TorusDoubleWell final : public TargetDensity {
 public:
  int dimension() const override { return 2; }
  std::string description() const override { return "a double well on the torus"; }
  std::vector<std::string> basin_names() const override { return {"far_side"}; }
  void evaluate(std::span<const float> z, std::span<double> log_det, std::span<double> reduced_energy,
                std::span<std::uint32_t> basins, std::span<float> score) const override {
    for (std::size_t i = 0; i < log_det.size(); ++i) {
      const double a = 2 * M_PI * z[2 * i], b = 2 * M_PI * z[2 * i + 1];
      log_det[i] = 2 * std::log(2 * M_PI);
      reduced_energy[i] = energy(a, b);
      basins[i] = std::cos(a - b) < 0 ? 1 : 0;
      if (score.empty()) continue;
      const double slope = -6 * std::sin(2 * (a - b));  // -du/da; that of b is its negative and 1.5 sin b more
      score[2 * i] = static_cast<float>(2 * M_PI * slope);
      score[2 * i + 1] = static_cast<float>(2 * M_PI * (-slope - 1.5 * std::sin(b)));
    }
  }
  /// By the rectangle rule, which converges exponentially for periodic functions.
  static double log_z() {
    const int n = 400;
    double sum = 0;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) sum += std::exp(-energy(2 * M_PI * i / n, 2 * M_PI * j / n));
    return std::log(sum * std::pow(2 * M_PI / n, 2));
  }

 private:
  static double energy(double a, double b) { return -3 * std::cos(2 * (a - b)) - 1.5 * std::cos(b); }
};

}  // namespace boltzflow
