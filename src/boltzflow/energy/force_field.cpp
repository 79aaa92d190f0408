// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <span>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/energy/force_field_terms.hpp"
#include "boltzflow/energy/kernels/force_field.hpp"
#include "boltzflow/energy/potential.hpp"

namespace boltzflow {
namespace energy {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The tables of ForceFieldTables<Scalar> and what they point to.
template <class Scalar>
struct OwnedTables {
  using Tables = ForceFieldTables<Scalar>;
  std::vector<typename Tables::Bond> bonds;
  std::vector<typename Tables::Angle> angles;
  std::vector<typename Tables::Torsion> torsions;
  std::vector<typename Tables::Pair> pairs;
  std::vector<typename Tables::PairOptions> pair_options;
  std::vector<Scalar> far_squared;
  std::vector<typename Tables::BornAtom> born_atoms;
  Tables tables{};

  explicit OwnedTables(const MolecularSystem& system) {
    for (const HarmonicBond& b : system.harmonic_bonds)
      bonds.push_back({b.i, b.j, narrow(b.length), narrow(b.force_constant)});
    for (const HarmonicAngle& a : system.harmonic_angles)
      angles.push_back({a.i, a.j, a.k, narrow(a.angle), narrow(a.force_constant)});
    add_torsions(system);
    add_pairs(system);
    tables.n_atoms = system.n_atoms();
    tables.n_bonds = static_cast<int>(bonds.size());
    tables.n_angles = static_cast<int>(angles.size());
    tables.n_torsions = static_cast<int>(torsions.size());
    tables.has_born = system.generalized_born.has_value();
    tables.has_pairs = tables.has_born || !system.nonbonded.empty() || !system.exceptions.empty();
    tables.bonds = bonds.data();
    tables.angles = angles.data();
    tables.torsions = torsions.data();
    tables.pairs = pairs.data();
    if (tables.has_born) add_born(*system.generalized_born);
    if (needs_options(system)) add_pair_options(system);
    tables.pair_options = pair_options.empty() ? nullptr : pair_options.data();
    tables.far_squared = far_squared.data();
    tables.born_atoms = born_atoms.data();
  }
  OwnedTables(const OwnedTables&) = delete;
  OwnedTables& operator=(const OwnedTables&) = delete;

 private:
  static Scalar narrow(double x) { return static_cast<Scalar>(x); }

  /// Terms on the same four atoms, read in either direction, become one sum over harmonics.
  void add_torsions(const MolecularSystem& system) {
    struct Sum {
      double constant = 0;
      std::array<double, max_periodicity> cosine{}, sine{};
      int n_harmonics = 1;
    };
    std::map<std::array<int, 4>, Sum> sums;
    for (const PeriodicTorsion& t : system.periodic_torsions) {
      if (t.force_constant == 0) continue;
      std::array<int, 4> atoms{t.i, t.j, t.k, t.l};
      atoms = std::min(atoms, {t.l, t.k, t.j, t.i});
      Sum& sum = sums[atoms];
      sum.constant += t.force_constant;
      sum.cosine[t.periodicity - 1] += t.force_constant * std::cos(t.phase);
      sum.sine[t.periodicity - 1] += t.force_constant * std::sin(t.phase);
      sum.n_harmonics = std::max(sum.n_harmonics, t.periodicity);
    }
    for (const auto& [atoms, sum] : sums) {
      typename Tables::Torsion torsion{atoms[0], atoms[1], atoms[2], atoms[3], sum.n_harmonics, narrow(sum.constant),
                                       {},       {}};
      std::ranges::transform(sum.cosine, torsion.cosine, narrow);
      std::ranges::transform(sum.sine, torsion.sine, narrow);
      torsions.push_back(torsion);
    }
  }

  void add_pairs(const MolecularSystem& system) {
    const auto exceptions = exceptions_by_pair(system);
    for (int i = 0; i < system.n_atoms(); ++i) {
      for (int j = i + 1; j < system.n_atoms(); ++j) {
        const PairParameters p = pair_parameters(system, exceptions, i, j);
        pairs.push_back({narrow(coulomb_constant * p.charge_product), narrow(4 * p.epsilon * std::pow(p.sigma, 12)),
                         narrow(4 * p.epsilon * std::pow(p.sigma, 6)), narrow(born_pair_factor(system, i, j))});
      }
    }
  }

  static bool needs_options(const MolecularSystem& system) {
    if (system.cutoff && !system.nonbonded.empty()) return true;
    if (!system.generalized_born) return false;
    const GeneralizedBorn& born = *system.generalized_born;
    return born.cutoff || born.neck ||
           std::ranges::any_of(born.particles, [](const auto& p) { return p.scaled_radius < 0; });
  }

  void add_pair_options(const MolecularSystem& system) {
    const auto exceptions = exceptions_by_pair(system);
    for (int i = 0; i < system.n_atoms(); ++i) {
      for (int j = i + 1; j < system.n_atoms(); ++j) {
        const PairParameters p = pair_parameters(system, exceptions, i, j);
        const double charges = coulomb_constant * p.charge_product;
        typename Tables::PairOptions options{};
        options.cutoff_squared = narrow(p.cutoff * p.cutoff);
        options.reaction_field = narrow(charges * p.reaction_field);
        options.coulomb_shift = narrow(charges * p.coulomb_shift);
        if (const auto& born = system.generalized_born; born && born->cutoff)
          options.born_shift = narrow(born_pair_factor(system, i, j) / *born->cutoff);
        if (const auto& born = system.generalized_born; born && born->neck) {
          const BornNeck& neck = *born->neck;
          const int ij = neck.radius_index[i] * neck.n_radii + neck.radius_index[j];
          const int ji = neck.radius_index[j] * neck.n_radii + neck.radius_index[i];
          options.neck_cutoff_squared = narrow(std::pow(
              born->particles[i].offset_radius + born->particles[j].offset_radius + 2 * born->offset + neck.cutoff, 2));
          options.neck_height_i = narrow(2 * neck.scale * neck.height[ij]);
          options.neck_distance_i = narrow(neck.distance[ij]);
          options.neck_height_j = narrow(2 * neck.scale * neck.height[ji]);
          options.neck_distance_j = narrow(neck.distance[ji]);
        }
        pair_options.push_back(options);
      }
    }
  }

  void add_born(const GeneralizedBorn& born) {
    for (std::size_t i = 0; i < born.particles.size(); ++i) {
      const GeneralizedBorn::Particle& p = born.particles[i];
      const auto [alpha, beta, gamma] = born.coefficients.empty()
                                            ? GeneralizedBorn::Coefficients{born.alpha, born.beta, born.gamma}
                                            : born.coefficients[i];
      const double o = p.offset_radius, radius = o + born.offset, s = p.scaled_radius;
      const double surface = born.surface_coefficient * std::pow(radius + born.probe_radius, 2) * std::pow(radius, 6);
      born_atoms.push_back({narrow(o), narrow(1 / o), narrow(s), narrow(s * s), narrow(2 * s * s * s), narrow(0.5 * o),
                            narrow(1 / radius), narrow(alpha), narrow(beta), narrow(gamma), narrow(surface),
                            narrow(0.5 * born_factor(born) * p.charge * p.charge)});
    }
    for (std::size_t i = 0; i < born.particles.size(); ++i) {
      for (std::size_t j = i + 1; j < born.particles.size(); ++j) {
        const auto &a = born.particles[i], &b = born.particles[j];
        const double s_i = std::abs(a.scaled_radius), s_j = std::abs(b.scaled_radius);
        const double far = std::max({a.offset_radius + s_j, b.offset_radius + s_i, 2 * s_i, 2 * s_j});
        far_squared.push_back(narrow(far * far * (1 + 1e-6)));
      }
    }
    tables.particle_inside_term = born.particle_inside_term;
    tables.has_necks = born.neck.has_value();
    tables.rescaled_radii = born.model != "HCT";
    tables.born_cutoff_squared = narrow(born.cutoff ? *born.cutoff * *born.cutoff : infinity);
  }
};

template <class Scalar>
using Kernel = void(const ForceFieldTables<Scalar>&, const Scalar*, std::int64_t, double*, Scalar*, double*,
                    void*) noexcept;

template <class Scalar>
Kernel<Scalar>* kernel_for_this_cpu() {
  return for_this_cpu<Kernel<Scalar>>(&baseline::evaluate_force_field, &avx2::evaluate_force_field,
                                      &avx512::evaluate_force_field);
}

/// Scratch of this thread, as large as the largest request so far: a call must not allocate to be cheap for one tile.
void* workspace(std::int64_t bytes) {
  thread_local AlignedBuffer<char> buffer;
  if (static_cast<std::int64_t>(buffer.size()) < bytes) buffer = AlignedBuffer<char>(static_cast<std::size_t>(bytes));
  return buffer.data();
}

class ForceField final : public Potential {
 public:
  explicit ForceField(const MolecularSystem& system)
      : float_tables_(system),
        double_tables_(system),
        float_kernel_(kernel_for_this_cpu<float>()),
        double_kernel_(kernel_for_this_cpu<double>()),
        description_(fmt::format("{}; SIMD on {}", describe_force_field(system), name_of(instruction_set()))) {}

  int n_atoms() const noexcept override { return double_tables_.tables.n_atoms; }
  std::string description() const override { return description_; }
  std::vector<std::string> term_names() const override { return force_field_term_names(); }

  void energy(std::span<const float> positions, std::span<double> energy) const override {
    run(float_tables_, float_kernel_, positions, energy, std::span<float>{}, false);
  }
  void energy(std::span<const double> positions, std::span<double> energy) const override {
    run(double_tables_, double_kernel_, positions, energy, std::span<double>{}, false);
  }
  void energy_and_gradient(std::span<const float> positions, std::span<double> energy,
                           std::span<float> gradient) const override {
    run(float_tables_, float_kernel_, positions, energy, gradient, true);
  }
  void energy_and_gradient(std::span<const double> positions, std::span<double> energy,
                           std::span<double> gradient) const override {
    run(double_tables_, double_kernel_, positions, energy, gradient, true);
  }

  void energy_terms(std::span<const double> positions, std::span<double> terms) const override {
    const std::size_t n_samples = check_terms_size(n_atoms(), positions.size(), terms.size());
    std::vector<double> energy(n_samples);
    for_tiles(n_samples, [&](std::size_t begin, std::size_t n, void* scratch) {
      double_kernel_(double_tables_.tables, positions.data() + begin * 3 * n_atoms(), static_cast<std::int64_t>(n),
                     energy.data() + begin, nullptr, terms.data() + begin * n_force_field_terms, scratch);
    });
  }

 private:
  template <class Scalar>
  void run(const OwnedTables<Scalar>& owned, Kernel<Scalar>* kernel, std::span<const Scalar> positions,
           std::span<double> energy, std::span<Scalar> gradient, bool with_gradient) const {
    check_sizes(n_atoms(), positions.size(), energy.size(), with_gradient ? gradient.size() : positions.size());
    const std::size_t n_coordinates = 3 * static_cast<std::size_t>(n_atoms());
    for_tiles(energy.size(), [&](std::size_t begin, std::size_t n, void* scratch) {
      kernel(owned.tables, positions.data() + begin * n_coordinates, static_cast<std::int64_t>(n),
             energy.data() + begin, with_gradient ? gradient.data() + begin * n_coordinates : nullptr, nullptr,
             scratch);
    });
  }

  template <class Function>
  void for_tiles(std::size_t n_samples, const Function& function) const {
    constexpr std::int64_t widest_tile = 16;
    const std::int64_t bytes = force_field_workspace_bytes(n_atoms());
    parallel_for(static_cast<std::int64_t>(n_samples), widest_tile, [&](std::int64_t begin, std::int64_t end, int) {
      function(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin), workspace(bytes));
    });
  }

  OwnedTables<float> float_tables_;
  OwnedTables<double> double_tables_;
  Kernel<float>* float_kernel_;
  Kernel<double>* double_kernel_;
  std::string description_;
};

}  // namespace
}  // namespace energy

std::unique_ptr<Potential> make_force_field(const MolecularSystem& system) {
  energy::check_system(system);
  return std::make_unique<energy::ForceField>(system);
}

}  // namespace boltzflow
