// SPDX-License-Identifier: MIT
#include "boltzflow/energy/reference/generalized_born.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "boltzflow/energy/force_field_terms.hpp"

namespace boltzflow::energy::reference {
namespace {

struct Descreening {
  double integral, slope;  ///< I in 1/nm and dI/dr in 1/nm^2
};

/// The part of the descreening integral of an atom of offset radius o that a sphere of radius s at distance r takes
/// away.
Descreening sphere(double o, double s, double r, bool particle_inside_term) {
  if (r + s <= o) return {0, 0};
  const double upper = r + s, lower = std::max(o, std::abs(r - s));
  const double squares = 1 / (upper * upper) - 1 / (lower * lower), log = std::log(lower / upper);
  double integral = 0.5 * (1 / lower - 1 / upper + 0.25 * (r - s * s / r) * squares + 0.5 * log / r);
  double slope = 0.5 * (0.25 * (1 + s * s / (r * r)) * squares - 0.5 * log / (r * r));
  if (o < s - r) {  // L = s - r: dL/dr (dI/dL) = 1/L^2, which is what the term below takes away again
    if (particle_inside_term)
      integral += 1 / o - 1 / lower;
    else
      slope += 1 / (lower * lower);
  }
  return {integral, slope};
}

/// The neck between atoms i and j: scale h / (1 + 100 (r - d)^2 + 3e5 (r - d)^6).
Descreening neck(const BornNeck& neck, double bare_radii, int i, int j, double r) {
  if (r > bare_radii + neck.cutoff) return {0, 0};
  const int entry = neck.radius_index[i] * neck.n_radii + neck.radius_index[j];
  const double x = r - neck.distance[entry], denominator = 1 + 100 * x * x + 3e5 * std::pow(x, 6);
  const double integral = neck.scale * neck.height[entry] / denominator;
  return {integral, -integral / denominator * (200 * x + 18e5 * std::pow(x, 5))};
}

/// All that atom j takes from the integral of atom i at distance r.
Descreening descreening(const GeneralizedBorn& born, int i, int j, double r) {
  const auto &a = born.particles[i], &b = born.particles[j];
  Descreening sum = sphere(a.offset_radius, b.scaled_radius, r, born.particle_inside_term);
  if (born.neck) {
    const auto [integral, slope] = neck(*born.neck, a.offset_radius + b.offset_radius + 2 * born.offset, i, j, r);
    sum.integral += integral;
    sum.slope += slope;
  }
  return sum;
}

struct BornRadius {
  double radius, by_integral;  ///< B in nm and dB/dI in nm^2
};

BornRadius born_radius(const GeneralizedBorn& born, int i, double integral) {
  const double o = born.particles[i].offset_radius, bare = o + born.offset;
  if (born.model == "HCT") {
    const double radius = 1 / (1 / o - integral);
    return {radius, radius * radius};
  }
  const auto [alpha, beta, gamma] = born.coefficients.empty()
                                        ? GeneralizedBorn::Coefficients{born.alpha, born.beta, born.gamma}
                                        : born.coefficients[i];
  const double psi = integral * o, tanh = std::tanh(alpha * psi - beta * psi * psi + gamma * psi * psi * psi);
  const double radius = 1 / (1 / o - tanh / bare);
  return {radius, radius * radius / bare * (1 - tanh * tanh) * (alpha - 2 * beta * psi + 3 * gamma * psi * psi) * o};
}

}  // namespace

void add_generalized_born(const GeneralizedBorn& born, int n_atoms, Conformation& x, Terms& terms) {
  const auto& particles = born.particles;
  const double cutoff = born.cutoff.value_or(std::numeric_limits<double>::infinity());
  std::vector<double> integral(n_atoms), radius(n_atoms), radius_by_integral(n_atoms), energy_by_radius(n_atoms);
  for (int i = 0; i < n_atoms; ++i)
    for (int j = 0; j < n_atoms; ++j)
      if (const double r = norm(x[i] - x[j]); i != j && !(r >= cutoff))
        integral[i] += descreening(born, i, j, r).integral;
  const double factor = born_factor(born);
  for (int i = 0; i < n_atoms; ++i) {
    const double bare = particles[i].offset_radius + born.offset;
    const BornRadius b = born_radius(born, i, integral[i]);
    radius[i] = b.radius;
    radius_by_integral[i] = b.by_integral;
    const double self = 0.5 * factor * particles[i].charge * particles[i].charge / radius[i];
    const double surface =
        born.surface_coefficient * std::pow(bare + born.probe_radius, 2) * std::pow(bare / radius[i], 6);
    terms[term_born] += self;
    terms[term_surface] += surface;
    energy_by_radius[i] -= (self + 6 * surface) / radius[i];
  }
  for (int i = 0; i < n_atoms; ++i) {
    for (int j = i + 1; j < n_atoms; ++j) {
      const Vector d = x[i] - x[j];
      if (norm(d) >= cutoff) continue;
      const double r_squared = dot(d, d), product = radius[i] * radius[j], decay = std::exp(-r_squared / (4 * product));
      const double f = std::sqrt(r_squared + product * decay), charges = particles[i].charge * particles[j].charge;
      const double energy = factor * charges / f;
      terms[term_born] += energy - factor * charges / cutoff;
      const Vector g = (-energy / (f * f) * (1 - 0.25 * decay)) * d;
      x.add(i, g);
      x.add(j, -1.0 * g);
      const double by_product = -0.5 * energy / (f * f) * decay * (1 + r_squared / (4 * product));
      energy_by_radius[i] += by_product * radius[j];
      energy_by_radius[j] += by_product * radius[i];
    }
  }
  for (int i = 0; i < n_atoms; ++i) {
    for (int j = 0; j < n_atoms; ++j) {
      const Vector d = x[i] - x[j];
      const double r = norm(d);
      if (i == j || r >= cutoff) continue;
      const double slope = descreening(born, i, j, r).slope;
      const Vector g = (energy_by_radius[i] * radius_by_integral[i] * slope / r) * d;
      x.add(i, g);
      x.add(j, -1.0 * g);
    }
  }
}

}  // namespace boltzflow::energy::reference
