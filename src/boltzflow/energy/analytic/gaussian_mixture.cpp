// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cmath>

#include "boltzflow/base/units.hpp"
#include "boltzflow/energy/analytic/analytic_potential.hpp"
#include "boltzflow/energy/analytic_targets.hpp"

namespace boltzflow {
namespace {

constexpr std::array<double, 2> centers[] = {
    {-0.29947281, 21.457745}, {-32.921806, -29.437561}, {-15.406175, 10.726295},  {-0.7925272, 31.71558},
    {-3.5497618, 10.584502},  {-12.088523, -7.8626156}, {-38.21394, -26.491283},  {-16.488924, 1.4817429},
    {15.813408, 24.000912},   {-27.117643, -17.418514}, {14.528685, 33.215519},   {-8.232007, 29.93247},
    {-6.4473343, 4.232564},   {36.219048, -37.106815},  {-25.181519, -10.12661},  {-15.591998, 34.560032},
    {-25.927185, -18.413315}, {-27.945618, -37.46244},  {-23.349619, 34.383923},  {17.848736, 19.386902},
    {2.1036625, -20.507339},  {6.7673874, -37.34779},   {-28.902649, -20.621201}, {25.237518, 23.45285},
    {-17.739801, -1.4432955}, {25.582428, 39.765324},   {15.875287, 5.4037142},   {26.819454, -23.552094},
    {7.4537611, -31.01222},   {-27.723446, -20.663342}, {18.098923, 16.086416},   {-23.694099, 12.084284},
    {21.958881, -5.0486946},  {1.5272617, 9.2681885},   {24.815063, 38.407764},   {-30.824944, -14.65879},
    {15.720396, 33.141975},   {34.808292, 35.29427},    {7.9605818, -34.783306},  {3.6796999, -25.024214},
};
constexpr double deviation = 1.3132616875182228;  // ln(1 + e)

class GaussianMixture final : public energy::AnalyticPotential {
 public:
  explicit GaussianMixture(double temperature)
      : AnalyticPotential("Gaussian mixture of 40 modes in 2 dimensions", 2, 0, temperature) {}

 private:
  /// Relative to the nearest mode, so that nothing underflows far from all of them.
  double reduced_energy(const double* x, double* gradient) const override {
    const auto half_square = [&](const std::array<double, 2>& c) {
      return 0.5 * (std::pow(x[0] - c[0], 2) + std::pow(x[1] - c[1], 2)) / (deviation * deviation);
    };
    double nearest = half_square(centers[0]);
    for (const auto& c : centers) nearest = std::min(nearest, half_square(c));
    double sum = 0;
    for (const auto& c : centers) {
      const double weight = std::exp(nearest - half_square(c));
      sum += weight;
      for (int i = 0; i < 2; ++i) gradient[i] += weight * (x[i] - c[i]);
    }
    for (int i = 0; i < 2; ++i) gradient[i] /= sum * deviation * deviation;
    return nearest - std::log(sum / static_cast<double>(std::size(centers))) + std::log(2 * pi * deviation * deviation);
  }
};

}  // namespace

std::span<const std::array<double, 2>> gaussian_mixture_centers() { return centers; }

std::unique_ptr<Potential> energy::make_gaussian_mixture(double temperature) {
  return std::make_unique<GaussianMixture>(temperature);
}

}  // namespace boltzflow
