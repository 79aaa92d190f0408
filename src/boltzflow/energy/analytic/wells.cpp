// SPDX-License-Identifier: MIT
// The double well, the many-well and the Mueller-Brown surface.
#include <cmath>

#include "boltzflow/energy/analytic/analytic_potential.hpp"

namespace boltzflow::energy {
namespace {

class DoubleWell final : public AnalyticPotential {
 public:
  explicit DoubleWell(double temperature) : AnalyticPotential("double well in 2 dimensions", 2, 0, temperature) {}

 private:
  double reduced_energy(const double* x, double* gradient) const override {
    const double square = x[0] * x[0];
    gradient[0] = x[0] * square - 6 * x[0] + 1;
    gradient[1] = x[1];
    return 0.25 * square * square - 3 * square + x[0] + 0.5 * x[1] * x[1];
  }
};

class ManyWell final : public AnalyticPotential {
 public:
  explicit ManyWell(double temperature) : AnalyticPotential("many-well in 32 dimensions", 32, 0, temperature) {}

 private:
  double reduced_energy(const double* x, double* gradient) const override {
    double sum = 0;
    for (int i = 0; i < 32; i += 2) {
      const double square = x[i] * x[i];
      gradient[i] = 4 * x[i] * square - 12 * x[i] - 0.5;
      gradient[i + 1] = x[i + 1];
      sum += square * square - 6 * square - 0.5 * x[i] + 0.5 * x[i + 1] * x[i + 1];
    }
    return sum;
  }
};

class MuellerBrown final : public AnalyticPotential {
 public:
  explicit MuellerBrown(double temperature)
      : AnalyticPotential("Mueller-Brown surface, scaled by 0.1", 2, 0, temperature) {}

 private:
  double reduced_energy(const double* x, double* gradient) const override {
    struct Term {
      double height, a, b, c, x, y;
    };
    constexpr double scale = 0.1;
    constexpr Term terms[] = {{-200, -1, 0, -10, 1, 0},
                              {-100, -1, 0, -10, 0, 0.5},
                              {-170, -6.5, 11, -6.5, -0.5, 1.5},
                              {15, 0.7, 0.6, 0.7, -1, 1}};
    double sum = 0;
    for (const Term& t : terms) {
      const double dx = x[0] - t.x, dy = x[1] - t.y;
      const double value = scale * t.height * std::exp(t.a * dx * dx + t.b * dx * dy + t.c * dy * dy);
      sum += value;
      gradient[0] += value * (2 * t.a * dx + t.b * dy);
      gradient[1] += value * (t.b * dx + 2 * t.c * dy);
    }
    return sum;
  }
};

}  // namespace

std::unique_ptr<Potential> make_double_well(double temperature) { return std::make_unique<DoubleWell>(temperature); }
std::unique_ptr<Potential> make_many_well(double temperature) { return std::make_unique<ManyWell>(temperature); }
std::unique_ptr<Potential> make_mueller_brown(double temperature) {
  return std::make_unique<MuellerBrown>(temperature);
}

}  // namespace boltzflow::energy
