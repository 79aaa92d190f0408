// SPDX-License-Identifier: MIT
// The force field straight from the equations of docs/energy.md: float64, loops, one conformation at a time.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <span>
#include <vector>

#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/energy/force_field_tables.hpp"
#include "boltzflow/energy/force_field_terms.hpp"
#include "boltzflow/energy/potential.hpp"

namespace boltzflow {
namespace energy {
namespace {

using Vector = std::array<double, 3>;
using Terms = std::array<double, n_force_field_terms>;

Vector operator-(const Vector& a, const Vector& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
Vector operator+(const Vector& a, const Vector& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
Vector operator*(double s, const Vector& a) { return {s * a[0], s * a[1], s * a[2]}; }
double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
double norm(const Vector& a) { return std::sqrt(dot(a, a)); }
Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// One conformation and the gradient it collects.
struct Conformation {
  const double* positions;
  std::vector<Vector> gradient;

  Vector operator[](int i) const { return {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]}; }
  void add(int i, const Vector& g) { gradient[i] = gradient[i] + g; }
};

/// U = k/2 (r - r0)^2
double bond_energy(const HarmonicBond& b, Conformation& x) {
  const Vector d = x[b.i] - x[b.j];
  const double r = norm(d), slope = b.force_constant * (r - b.length);
  x.add(b.i, (slope / r) * d);
  x.add(b.j, (-slope / r) * d);
  return 0.5 * b.force_constant * (r - b.length) * (r - b.length);
}

/// U = k/2 (theta - theta0)^2;  d theta / d r_i = a x (a x b) / (|a|^2 |a x b|), a = r_i - r_j, b = r_k - r_j.
double angle_energy(const HarmonicAngle& t, Conformation& x) {
  const Vector a = x[t.i] - x[t.j], b = x[t.k] - x[t.j], normal = cross(a, b);
  const double theta = std::atan2(norm(normal), dot(a, b)), slope = t.force_constant * (theta - t.angle);
  const Vector at_i = (slope / (dot(a, a) * norm(normal))) * cross(a, normal);
  const Vector at_k = (slope / (dot(b, b) * norm(normal))) * cross(normal, b);
  x.add(t.i, at_i);
  x.add(t.k, at_k);
  x.add(t.j, -1.0 * (at_i + at_k));
  return 0.5 * t.force_constant * (theta - t.angle) * (theta - t.angle);
}

/// U = k (1 + cos(n phi - phase)), phi = atan2(|b2| b1 . (b2 x b3), (b1 x b2) . (b2 x b3)); gradient after Blondel and
/// Karplus, J. Comput. Chem. 17 (1996) 1132.
double torsion_energy(const PeriodicTorsion& t, Conformation& x) {
  const Vector b1 = x[t.j] - x[t.i], b2 = x[t.k] - x[t.j], b3 = x[t.l] - x[t.k];
  const Vector m = cross(b1, b2), n = cross(b2, b3);
  const double length = norm(b2), phi = std::atan2(length * dot(b1, n), dot(m, n));
  const double slope = -t.force_constant * t.periodicity * std::sin(t.periodicity * phi - t.phase);
  const Vector at_i = (-slope * length / dot(m, m)) * m, at_l = (slope * length / dot(n, n)) * n;
  const Vector shift = (dot(b3, b2) / dot(b2, b2)) * at_l - (dot(b1, b2) / dot(b2, b2)) * at_i;
  x.add(t.i, at_i);
  x.add(t.j, shift - at_i);
  x.add(t.k, -1.0 * (shift + at_l));
  x.add(t.l, at_l);
  return t.force_constant * (1 + std::cos(t.periodicity * phi - t.phase));
}

struct Descreening {
  double integral, slope;  ///< I in 1/nm and dI/dr in 1/nm^2
};

/// The part of the descreening integral of an atom of offset radius o that a sphere of radius s at distance r takes
/// away.
Descreening descreening(double o, double s, double r, bool particle_inside_term) {
  if (r + s <= o) return {0, 0};
  const double upper = r + s, lower = std::max(o, std::abs(r - s));
  const double squares = 1 / (upper * upper) - 1 / (lower * lower), log = std::log(lower / upper);
  double integral = 0.5 * (1 / lower - 1 / upper + 0.25 * (r - s * s / r) * squares + 0.5 * log / r);
  if (particle_inside_term && o < s - r) integral += 1 / o - 1 / lower;
  return {integral, 0.5 * (0.25 * (1 + s * s / (r * r)) * squares - 0.5 * log / (r * r))};
}

void add_generalized_born(const GeneralizedBorn& born, int n_atoms, Conformation& x, Terms& terms) {
  const auto& particles = born.particles;
  std::vector<double> integral(n_atoms), radius(n_atoms), radius_by_integral(n_atoms), energy_by_radius(n_atoms);
  for (int i = 0; i < n_atoms; ++i)
    for (int j = 0; j < n_atoms; ++j)
      if (i != j)
        integral[i] += descreening(particles[i].offset_radius, particles[j].scaled_radius, norm(x[i] - x[j]),
                                   born.particle_inside_term)
                           .integral;
  const double factor = born_factor(born);
  for (int i = 0; i < n_atoms; ++i) {
    const double o = particles[i].offset_radius, bare = o + born.offset, psi = integral[i] * o;
    const double tanh = std::tanh(born.alpha * psi - born.beta * psi * psi + born.gamma * psi * psi * psi);
    radius[i] = 1 / (1 / o - tanh / bare);
    radius_by_integral[i] = radius[i] * radius[i] / bare * (1 - tanh * tanh) *
                            (born.alpha - 2 * born.beta * psi + 3 * born.gamma * psi * psi) * o;
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
      const double r_squared = dot(d, d), product = radius[i] * radius[j], decay = std::exp(-r_squared / (4 * product));
      const double f = std::sqrt(r_squared + product * decay),
                   energy = factor * particles[i].charge * particles[j].charge / f;
      terms[term_born] += energy;
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
      if (i == j) continue;
      const Vector d = x[i] - x[j];
      const double r = norm(d);
      const double slope =
          descreening(particles[i].offset_radius, particles[j].scaled_radius, r, born.particle_inside_term).slope;
      const Vector g = (energy_by_radius[i] * radius_by_integral[i] * slope / r) * d;
      x.add(i, g);
      x.add(j, -1.0 * g);
    }
  }
}

class ReferenceForceField final : public Potential {
 public:
  explicit ReferenceForceField(const MolecularSystem& system) : system_(system) {
    for (const NonbondedException& e : system.exceptions) exceptions_[{std::min(e.i, e.j), std::max(e.i, e.j)}] = e;
  }

  int n_atoms() const noexcept override { return system_.n_atoms(); }
  std::string description() const override { return describe_force_field(system_) + "; float64 reference"; }
  std::vector<std::string> term_names() const override { return force_field_term_names(); }

  void energy(std::span<const float> positions, std::span<double> energy) const override {
    this->energy(std::vector<double>(positions.begin(), positions.end()), energy);
  }
  void energy(std::span<const double> positions, std::span<double> energy) const override {
    std::vector<double> gradient(positions.size());
    energy_and_gradient(positions, energy, gradient);
  }
  void energy_and_gradient(std::span<const float> positions, std::span<double> energy,
                           std::span<float> gradient) const override {
    std::vector<double> wide_gradient(gradient.size());
    energy_and_gradient(std::vector<double>(positions.begin(), positions.end()), energy, wide_gradient);
    std::ranges::transform(wide_gradient, gradient.begin(), [](double g) { return static_cast<float>(g); });
  }
  void energy_and_gradient(std::span<const double> positions, std::span<double> energy,
                           std::span<double> gradient) const override {
    check_sizes(n_atoms(), positions.size(), energy.size(), gradient.size());
    parallel_for(static_cast<std::int64_t>(energy.size()), 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (auto s = static_cast<std::size_t>(begin); s < static_cast<std::size_t>(end); ++s) {
        Conformation x = conformation(positions, s);
        const Terms terms = evaluate(x);
        energy[s] = 0;
        for (const double t : terms) energy[s] += t;
        for (std::size_t i = 0; i < x.gradient.size(); ++i)
          std::ranges::copy(x.gradient[i],
                            gradient.begin() + static_cast<std::ptrdiff_t>(3 * (s * x.gradient.size() + i)));
      }
    });
  }
  void energy_terms(std::span<const double> positions, std::span<double> terms) const override {
    const std::size_t n_samples = check_terms_size(n_atoms(), positions.size(), terms.size());
    parallel_for(static_cast<std::int64_t>(n_samples), 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (auto s = static_cast<std::size_t>(begin); s < static_cast<std::size_t>(end); ++s) {
        Conformation x = conformation(positions, s);
        std::ranges::copy(evaluate(x), terms.begin() + static_cast<std::ptrdiff_t>(s * n_force_field_terms));
      }
    });
  }

 private:
  Conformation conformation(std::span<const double> positions, std::size_t sample) const {
    return {positions.data() + sample * 3 * system_.atoms.size(), std::vector<Vector>(system_.atoms.size(), Vector{})};
  }

  Terms evaluate(Conformation& x) const {
    Terms terms{};
    for (const auto& b : system_.harmonic_bonds) terms[term_bonds] += bond_energy(b, x);
    for (const auto& a : system_.harmonic_angles) terms[term_angles] += angle_energy(a, x);
    for (const auto& t : system_.periodic_torsions)
      if (t.force_constant != 0) terms[term_torsions] += torsion_energy(t, x);
    for (int i = 0; i < n_atoms(); ++i) {
      for (int j = i + 1; j < n_atoms(); ++j) {
        const PairParameters p = pair_parameters(system_, exceptions_, i, j);
        if (p.charge_product == 0 && p.epsilon == 0) continue;
        const Vector d = x[i] - x[j];
        const double r = norm(d), sixth = std::pow(p.sigma / r, 6), coulomb = coulomb_constant * p.charge_product / r;
        terms[term_lennard_jones] += 4 * p.epsilon * (sixth * sixth - sixth);
        terms[term_coulomb] += coulomb;
        const Vector g = (-(24 * p.epsilon * (2 * sixth * sixth - sixth) + coulomb) / (r * r)) * d;
        x.add(i, g);
        x.add(j, -1.0 * g);
      }
    }
    if (system_.generalized_born) add_generalized_born(*system_.generalized_born, n_atoms(), x, terms);
    return terms;
  }

  MolecularSystem system_;
  std::map<std::array<int, 2>, NonbondedException> exceptions_;
};

}  // namespace
}  // namespace energy

std::unique_ptr<Potential> make_reference_force_field(const MolecularSystem& system) {
  energy::check_system(system);
  return std::make_unique<energy::ReferenceForceField>(system);
}

}  // namespace boltzflow
