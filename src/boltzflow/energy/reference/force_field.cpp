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
#include "boltzflow/energy/reference/conformation.hpp"
#include "boltzflow/energy/reference/generalized_born.hpp"

namespace boltzflow {
namespace energy {
namespace {

using namespace reference;

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

class ReferenceForceField final : public Potential {
 public:
  explicit ReferenceForceField(const MolecularSystem& system)
      : system_(system), exceptions_(exceptions_by_pair(system)) {}

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
        const double r = norm(d), sixth = std::pow(p.sigma / r, 6);
        if (r >= p.cutoff) continue;
        const double charges = coulomb_constant * p.charge_product;
        terms[term_lennard_jones] += 4 * p.epsilon * (sixth * sixth - sixth);
        terms[term_coulomb] += charges * (1 / r + p.reaction_field * r * r - p.coulomb_shift);
        const Vector g =
            (-(24 * p.epsilon * (2 * sixth * sixth - sixth) + charges / r) / (r * r) + 2 * charges * p.reaction_field) *
            d;
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
