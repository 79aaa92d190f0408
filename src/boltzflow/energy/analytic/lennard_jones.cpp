// SPDX-License-Identifier: MIT
#include <cmath>

#include "boltzflow/energy/analytic/analytic_potential.hpp"

namespace boltzflow::energy {
namespace {

constexpr int n_particles = 13;

class LennardJones13 final : public AnalyticPotential {
 public:
  explicit LennardJones13(double temperature)
      : AnalyticPotential("13 Lennard-Jones atoms, tethered to their mean", 3 * n_particles, n_particles, temperature) {
  }

 private:
  double reduced_energy(const double* x, double* gradient) const override {
    double sum = 0;
    for (int i = 0; i < n_particles; ++i) {
      for (int j = i + 1; j < n_particles; ++j) {
        double d[3], r_squared = 0;
        for (int k = 0; k < 3; ++k) d[k] = x[3 * i + k] - x[3 * j + k], r_squared += d[k] * d[k];
        const double sixth = 1 / (r_squared * r_squared * r_squared);
        sum += sixth * (sixth - 2);
        const double slope_over_r = -12 * sixth * (sixth - 1) / r_squared;
        for (int k = 0; k < 3; ++k) {
          gradient[3 * i + k] += slope_over_r * d[k];
          gradient[3 * j + k] -= slope_over_r * d[k];
        }
      }
    }
    for (int k = 0; k < 3; ++k) {
      double mean = 0;
      for (int i = 0; i < n_particles; ++i) mean += x[3 * i + k] / n_particles;
      for (int i = 0; i < n_particles; ++i) {
        const double d = x[3 * i + k] - mean;
        sum += 0.5 * d * d;
        gradient[3 * i + k] += d;  // what comes through the mean sums to zero
      }
    }
    return sum;
  }
};

}  // namespace

std::unique_ptr<Potential> make_lennard_jones_13(double temperature) {
  return std::make_unique<LennardJones13>(temperature);
}

}  // namespace boltzflow::energy
