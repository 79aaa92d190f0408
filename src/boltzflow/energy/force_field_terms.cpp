// SPDX-License-Identifier: MIT
#include "boltzflow/energy/force_field_terms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/energy/force_field_tables.hpp"

namespace boltzflow::energy {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_atoms(const MolecularSystem& system, const char* what, std::size_t row, std::initializer_list<int> atoms) {
  for (auto a = atoms.begin(); a != atoms.end(); ++a) {
    if (*a < 0 || *a >= system.n_atoms())
      throw InputError(system.name, fmt::format("{} {}: atom {} is not in [0, {})", what, row, *a, system.n_atoms()));
    for (auto b = atoms.begin(); b != a; ++b)
      if (*a == *b) throw InputError(system.name, fmt::format("{} {}: atom {} appears twice", what, row, *a));
  }
}

void check_finite(const MolecularSystem& system, const char* what, std::size_t row,
                  std::initializer_list<double> values) {
  for (const double v : values)
    if (!std::isfinite(v)) throw InputError(system.name, fmt::format("{} {}: a parameter is {}", what, row, v));
}

void check_neck(const MolecularSystem& system, const BornNeck& neck) {
  const auto n = static_cast<std::size_t>(std::max(neck.n_radii, 0));
  if (neck.height.size() != n * n || neck.distance.size() != n * n || neck.radius_index.size() != system.atoms.size())
    throw InputError(system.name,
                     fmt::format("the necks of {} radii have {} heights, {} distances and {} of {} atoms", n,
                                 neck.height.size(), neck.distance.size(), neck.radius_index.size(), system.n_atoms()));
  check_finite(system, "generalised Born necks", 0, {neck.scale, neck.cutoff});
  for (std::size_t entry = 0; entry < n * n; ++entry)
    check_finite(system, "neck", entry, {neck.height[entry], neck.distance[entry]});
  for (const int index : neck.radius_index)
    if (index < 0 || index >= neck.n_radii)
      throw InputError(system.name, fmt::format("neck radius {} is not in [0, {})", index, neck.n_radii));
}

void check_born(const MolecularSystem& system, const GeneralizedBorn& born) {
  if (born.particles.size() != system.atoms.size())
    throw InputError(system.name, fmt::format("generalised Born has {} particles for {} atoms", born.particles.size(),
                                              system.n_atoms()));
  check_finite(system, "generalised Born", 0,
               {born.alpha, born.beta, born.gamma, born.offset, born.coulomb_constant, 1 / born.solute_dielectric,
                1 / born.solvent_dielectric, born.surface_coefficient, born.probe_radius});
  if (!(born.offset > 0))
    throw InputError(system.name,
                     fmt::format("generalised Born: the radius offset is {} nm, but must be positive", born.offset));
  for (std::size_t i = 0; i < born.particles.size(); ++i) {
    const auto& p = born.particles[i];
    check_finite(system, "generalised Born particle", i, {p.charge, p.offset_radius, p.scaled_radius});
    if (!(p.offset_radius > 0))
      throw InputError(system.name, fmt::format("generalised Born particle {}: offset radius {} nm must be positive", i,
                                                p.offset_radius));
  }
  if (!born.coefficients.empty() && born.coefficients.size() != system.atoms.size())
    throw InputError(system.name, fmt::format("generalised Born has {} rows of coefficients for {} atoms",
                                              born.coefficients.size(), system.n_atoms()));
  for (std::size_t i = 0; i < born.coefficients.size(); ++i)
    check_finite(system, "generalised Born coefficients", i,
                 {born.coefficients[i].alpha, born.coefficients[i].beta, born.coefficients[i].gamma});
  if (born.cutoff && !(*born.cutoff > 0))
    throw InputError(system.name,
                     fmt::format("the generalised Born cutoff is {} nm, but must be positive", *born.cutoff));
  if (born.neck) check_neck(system, *born.neck);
}

}  // namespace

std::vector<std::string> force_field_term_names() {
  return {"bonds", "angles", "torsions", "lennard-jones", "coulomb", "born", "surface"};
}

std::string describe_force_field(const MolecularSystem& system) {
  const int n = system.n_atoms();
  std::string born = "no solvent";
  if (const auto& gb = system.generalized_born)
    born = gb->model + (gb->surface_coefficient != 0 ? " with surface term" : " without surface term");
  std::string cutoff;
  if (system.cutoff) cutoff = fmt::format(", cutoff {} nm", system.cutoff->distance);
  return fmt::format("{} atoms, {} bonds, {} angles, {} torsions, {} pairs, {}{}", n, system.harmonic_bonds.size(),
                     system.harmonic_angles.size(), system.periodic_torsions.size(),
                     system.nonbonded.empty() && !system.generalized_born ? 0 : n * (n - 1) / 2, born, cutoff);
}

void check_system(const MolecularSystem& system) {
  if (system.n_atoms() == 0) throw InputError(system.name, "a force field needs at least one atom");
  for (std::size_t r = 0; r < system.harmonic_bonds.size(); ++r) {
    const auto& b = system.harmonic_bonds[r];
    check_atoms(system, "bond", r, {b.i, b.j});
    check_finite(system, "bond", r, {b.length, b.force_constant});
  }
  for (std::size_t r = 0; r < system.harmonic_angles.size(); ++r) {
    const auto& a = system.harmonic_angles[r];
    check_atoms(system, "angle", r, {a.i, a.j, a.k});
    check_finite(system, "angle", r, {a.angle, a.force_constant});
  }
  for (std::size_t r = 0; r < system.periodic_torsions.size(); ++r) {
    const auto& t = system.periodic_torsions[r];
    check_atoms(system, "torsion", r, {t.i, t.j, t.k, t.l});
    check_finite(system, "torsion", r, {t.phase, t.force_constant});
    if (t.periodicity < 1 || t.periodicity > max_periodicity)
      throw InputError(system.name,
                       fmt::format("torsion {}: periodicity {} is not in [1, {}]", r, t.periodicity, max_periodicity));
  }
  if (!system.nonbonded.empty() && system.nonbonded.size() != system.atoms.size())
    throw InputError(system.name, fmt::format("there are {} nonbonded particles for {} atoms", system.nonbonded.size(),
                                              system.n_atoms()));
  for (std::size_t r = 0; r < system.nonbonded.size(); ++r) {
    const auto& p = system.nonbonded[r];
    check_finite(system, "nonbonded particle", r, {p.charge, p.sigma, p.epsilon});
    if (p.epsilon < 0 || p.sigma < 0)
      throw InputError(system.name, fmt::format("nonbonded particle {}: sigma {} and epsilon {} must not be negative",
                                                r, p.sigma, p.epsilon));
  }
  for (std::size_t r = 0; r < system.exceptions.size(); ++r) {
    const auto& e = system.exceptions[r];
    check_atoms(system, "nonbonded exception", r, {e.i, e.j});
    check_finite(system, "nonbonded exception", r, {e.charge_product, e.sigma, e.epsilon});
  }
  if (system.cutoff && (!(system.cutoff->distance > 0) || !(system.cutoff->reaction_field_dielectric > 0)))
    throw InputError(system.name, fmt::format("the cutoff of {} nm with a dielectric of {} must have both positive",
                                              system.cutoff->distance, system.cutoff->reaction_field_dielectric));
  if (system.generalized_born) check_born(system, *system.generalized_born);
}

void check_sizes(int n_atoms, std::size_t n_positions, std::size_t n_samples, std::size_t n_gradient) {
  const std::size_t expected = 3 * static_cast<std::size_t>(n_atoms) * n_samples;
  if (n_positions != expected || n_gradient != expected)
    throw InputError(
        fmt::format("{} samples of {} atoms need {} coordinates, but there are {} positions and {} gradients",
                    n_samples, n_atoms, expected, n_positions, n_gradient));
}

std::size_t check_terms_size(int n_atoms, std::size_t n_positions, std::size_t n_terms) {
  const std::size_t n_samples = n_terms / n_force_field_terms;
  if (n_terms != n_samples * n_force_field_terms || n_positions != 3 * static_cast<std::size_t>(n_atoms) * n_samples)
    throw InputError(fmt::format("{} coordinates of {} atoms do not fit {} energy terms, {} a sample", n_positions,
                                 n_atoms, n_terms, static_cast<int>(n_force_field_terms)));
  return n_samples;
}

std::map<std::array<int, 2>, NonbondedException> exceptions_by_pair(const MolecularSystem& system) {
  std::map<std::array<int, 2>, NonbondedException> exceptions;
  for (const NonbondedException& e : system.exceptions) exceptions[{std::min(e.i, e.j), std::max(e.i, e.j)}] = e;
  return exceptions;
}

PairParameters pair_parameters(const MolecularSystem& system,
                               const std::map<std::array<int, 2>, NonbondedException>& exceptions, int i, int j) {
  if (const auto e = exceptions.find({i, j}); e != exceptions.end())
    return {e->second.charge_product, e->second.sigma, e->second.epsilon, infinity, 0, 0};
  if (system.nonbonded.empty()) return {0, 0, 0, infinity, 0, 0};
  const auto &a = system.nonbonded[i], &b = system.nonbonded[j];
  PairParameters pair{a.charge * b.charge, 0.5 * (a.sigma + b.sigma), std::sqrt(a.epsilon * b.epsilon), infinity, 0, 0};
  if (system.cutoff) {
    const double e = system.cutoff->reaction_field_dielectric;
    pair.cutoff = system.cutoff->distance;
    pair.reaction_field = (e - 1) / ((2 * e + 1) * std::pow(pair.cutoff, 3));
    pair.coulomb_shift = 3 * e / ((2 * e + 1) * pair.cutoff);
  }
  return pair;
}

double born_factor(const GeneralizedBorn& born) {
  return -born.coulomb_constant * (1 / born.solute_dielectric - 1 / born.solvent_dielectric);
}

double born_pair_factor(const MolecularSystem& system, int i, int j) {
  if (!system.generalized_born) return 0;
  const auto& p = system.generalized_born->particles;
  return born_factor(*system.generalized_born) * p[i].charge * p[j].charge;
}

}  // namespace boltzflow::energy
