// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/molecular_system.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>
#include <set>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/molecule/generalized_born_models.hpp"

namespace boltzflow {
namespace {

/// One pass over a system; every check ends in an InputError that begins with the origin.
class Validator {
 public:
  Validator(const MolecularSystem& system, const std::string& origin) : system_(system), origin_(origin) {}

  void run() const {
    const bool is_analytic = !system_.analytic_target.empty();
    if (system_.atoms.empty() && !is_analytic) fail("the system has no atoms");
    if (is_analytic && !system_.energy_library.empty())
      fail("an analytic target (\"{}\") takes no energy from a library", system_.analytic_target);
    if (!(system_.temperature > 0) || !std::isfinite(system_.temperature))
      fail("the temperature is {} K, but must be positive", system_.temperature);
    for (int i = 0; i < system_.n_atoms(); ++i)
      check_number("mass of atom", i, system_.atoms[i].mass, system_.atoms[i].mass > 0, "positive");
    bonded_terms();
    nonbonded_terms();
    generalized_born();
    geometry();
    if (!is_analytic) connected();
  }

 private:
  template <class... Arguments>
  [[noreturn]] void fail(fmt::format_string<Arguments...> message, const Arguments&... arguments) const {
    throw InputError(origin_, fmt::vformat(message, fmt::make_format_args(arguments...)));
  }

  void check_number(const char* what, std::size_t index, double value, bool in_domain, const char* domain) const {
    if (!std::isfinite(value) || !in_domain) fail("{} {} is {}, but must be {}", what, index, value, domain);
  }

  void check_atoms(const char* what, std::size_t index, std::initializer_list<int> atoms) const {
    for (auto a = atoms.begin(); a != atoms.end(); ++a) {
      if (*a < 0 || *a >= system_.n_atoms())
        fail("{} {} names atom {}, but the system has atoms 0 to {}", what, index, *a, system_.n_atoms() - 1);
      for (auto b = atoms.begin(); b != a; ++b)
        if (*a == *b) fail("{} {} names atom {} twice", what, index, *a);
    }
  }

  void bonded_terms() const {
    for (std::size_t n = 0; n < system_.bonds.size(); ++n)
      check_atoms("bond", n, {system_.bonds[n][0], system_.bonds[n][1]});
    for (std::size_t n = 0; n < system_.harmonic_bonds.size(); ++n) {
      const auto& b = system_.harmonic_bonds[n];
      check_atoms("harmonic bond", n, {b.i, b.j});
      check_number("length of harmonic bond", n, b.length, b.length >= 0, "zero or positive");
      check_number("force constant of harmonic bond", n, b.force_constant, b.force_constant >= 0, "zero or positive");
    }
    for (std::size_t n = 0; n < system_.harmonic_angles.size(); ++n) {
      const auto& a = system_.harmonic_angles[n];
      check_atoms("harmonic angle", n, {a.i, a.j, a.k});
      check_number("angle of harmonic angle", n, a.angle, a.angle >= 0 && a.angle < 3.15, "in [0, pi] rad");
      check_number("force constant of harmonic angle", n, a.force_constant, a.force_constant >= 0, "zero or positive");
    }
    for (std::size_t n = 0; n < system_.periodic_torsions.size(); ++n) {
      const auto& t = system_.periodic_torsions[n];
      check_atoms("periodic torsion", n, {t.i, t.j, t.k, t.l});
      check_number("periodicity of torsion", n, t.periodicity, t.periodicity >= 1 && t.periodicity <= 12, "in [1, 12]");
      check_number("phase of torsion", n, t.phase, true, "finite");
      check_number("force constant of torsion", n, t.force_constant, true, "finite");
    }
    for (std::size_t n = 0; n < system_.constraints.size(); ++n) {
      const auto& c = system_.constraints[n];
      check_atoms("constraint", n, {c.i, c.j});
      check_number("distance of constraint", n, c.distance, c.distance > 0, "positive");
    }
  }

  void nonbonded_terms() const {
    if (!system_.nonbonded.empty() && system_.nonbonded.size() != system_.atoms.size())
      fail("there are {} nonbonded particles for {} atoms", system_.nonbonded.size(), system_.atoms.size());
    if (system_.nonbonded.empty() && !system_.exceptions.empty())
      fail("there are nonbonded exceptions but no nonbonded particles");
    for (std::size_t n = 0; n < system_.nonbonded.size(); ++n) {
      const auto& p = system_.nonbonded[n];
      check_number("charge of atom", n, p.charge, true, "finite");
      check_number("sigma of atom", n, p.sigma, p.sigma >= 0, "zero or positive");
      check_number("epsilon of atom", n, p.epsilon, p.epsilon >= 0, "zero or positive");
    }
    if (system_.cutoff) {
      if (!std::isfinite(system_.cutoff->distance) || system_.cutoff->distance <= 0)
        fail("the nonbonded cutoff is {} nm, but must be positive", system_.cutoff->distance);
      if (!std::isfinite(system_.cutoff->reaction_field_dielectric) || system_.cutoff->reaction_field_dielectric <= 0)
        fail("the dielectric of the reaction field is {}, but must be positive",
             system_.cutoff->reaction_field_dielectric);
    }
    std::set<std::pair<int, int>> seen;
    for (std::size_t n = 0; n < system_.exceptions.size(); ++n) {
      const auto& e = system_.exceptions[n];
      check_atoms("nonbonded exception", n, {e.i, e.j});
      check_number("charge product of exception", n, e.charge_product, true, "finite");
      check_number("sigma of exception", n, e.sigma, e.sigma >= 0, "zero or positive");
      check_number("epsilon of exception", n, e.epsilon, e.epsilon >= 0, "zero or positive");
      if (!seen.insert(std::minmax(e.i, e.j)).second)
        fail("there is more than one nonbonded exception for atoms {} and {}", e.i, e.j);
    }
  }

  void generalized_born() const {
    if (!system_.generalized_born) return;
    const GeneralizedBorn& born = *system_.generalized_born;
    if (born.particles.size() != system_.atoms.size())
      fail("there are {} generalised Born particles for {} atoms", born.particles.size(), system_.atoms.size());
    if (std::ranges::find(generalized_born_model_names, born.model) == generalized_born_model_names.end())
      fail("the generalised Born model is \"{}\", but only HCT, OBC1, OBC2, GBn and GBn2 are known", born.model);
    for (double value : {born.alpha, born.beta, born.gamma, born.surface_coefficient})
      if (!std::isfinite(value)) fail("a generalised Born coefficient is not finite");
    for (double value : {born.solute_dielectric, born.solvent_dielectric, born.coulomb_constant})
      if (!std::isfinite(value) || value <= 0) fail("a generalised Born dielectric is {}, but must be positive", value);
    for (double value : {born.offset, born.probe_radius})
      if (!std::isfinite(value) || value < 0) fail("a generalised Born length is {}, but must not be negative", value);
    for (std::size_t n = 0; n < born.particles.size(); ++n) {
      const auto& p = born.particles[n];
      check_number("generalised Born charge of atom", n, p.charge, true, "finite");
      check_number("generalised Born offset radius of atom", n, p.offset_radius, p.offset_radius > 0, "positive");
      check_number("generalised Born scaled radius of atom", n, p.scaled_radius,
                   p.scaled_radius >= 0 || born.model == "GBn2", "zero or positive");
    }
    if (born.cutoff && (!std::isfinite(*born.cutoff) || *born.cutoff <= 0))
      fail("the generalised Born cutoff is {} nm, but must be positive", *born.cutoff);
    if (!born.coefficients.empty() && born.coefficients.size() != system_.atoms.size())
      fail("there are {} rows of generalised Born coefficients for {} atoms", born.coefficients.size(),
           system_.atoms.size());
    if (born.coefficients.empty() == (born.model == "GBn2"))
      fail("the model {} has {} rows of generalised Born coefficients; one an atom belongs to GBn2 and to no other",
           born.model, born.coefficients.size());
    for (std::size_t n = 0; n < born.coefficients.size(); ++n)
      for (double value : {born.coefficients[n].alpha, born.coefficients[n].beta, born.coefficients[n].gamma})
        check_number("generalised Born coefficient of atom", n, value, true, "finite");
    if (born.neck.has_value() != (born.model == "GBn" || born.model == "GBn2"))
      fail("the model {} comes {} necks; they belong to GBn and GBn2 and to no other", born.model,
           born.neck ? "with" : "without");
    if (born.neck) neck(*born.neck);
  }

  void neck(const BornNeck& neck) const {
    if (!std::isfinite(neck.scale)) fail("the scale of generalised Born necks is not finite");
    if (!std::isfinite(neck.cutoff) || neck.cutoff < 0)
      fail("the cutoff of generalised Born necks is {}, but must not be negative", neck.cutoff);
    if (neck.radius_index.size() != system_.atoms.size())
      fail("there are {} neck radii for {} atoms", neck.radius_index.size(), system_.atoms.size());
    const auto n_entries = static_cast<std::size_t>(std::max(neck.n_radii, 0)) * std::max(neck.n_radii, 0);
    if (neck.n_radii < 1 || neck.height.size() != n_entries || neck.distance.size() != n_entries)
      fail("the neck tables have {} heights and {} distances for {} radii", neck.height.size(), neck.distance.size(),
           neck.n_radii);
    for (std::size_t n = 0; n < n_entries; ++n) {
      check_number("neck height", n, neck.height[n], true, "finite");
      check_number("neck distance", n, neck.distance[n], true, "finite");
    }
    for (std::size_t n = 0; n < neck.radius_index.size(); ++n)
      check_number("neck radius of atom", n, neck.radius_index[n],
                   neck.radius_index[n] >= 0 && neck.radius_index[n] < neck.n_radii, "a row of the neck tables");
  }

  void geometry() const {
    if (!system_.positions.empty() && system_.positions.size() != 3 * system_.atoms.size())
      fail("there are {} coordinates for {} atoms", system_.positions.size(), system_.atoms.size());
    for (std::size_t n = 0; n < system_.positions.size(); ++n)
      check_number("position of atom", n / 3, system_.positions[n], true, "finite");
    for (std::size_t n = 0; n < system_.phi.size(); ++n) {
      const auto& t = system_.phi[n];
      check_atoms("phi", n, {t[0], t[1], t[2], t[3]});
    }
    for (std::size_t n = 0; n < system_.psi.size(); ++n) {
      const auto& t = system_.psi[n];
      check_atoms("psi", n, {t[0], t[1], t[2], t[3]});
    }
    if (system_.z_matrix) z_matrix(*system_.z_matrix);
  }

  void z_matrix(const ZMatrix& z) const {
    check_atoms("root", 0, {z.root[0], z.root[1], z.root[2]});
    std::vector<int> placed(system_.atoms.size(), 0);
    for (int atom : z.root) ++placed[atom];
    for (std::size_t n = 0; n < z.rows.size(); ++n) {
      const auto& row = z.rows[n];
      check_atoms("Z-matrix row", n, {row.atom, row.bond, row.angle, row.torsion});
      ++placed[row.atom];
    }
    for (std::size_t atom = 0; atom < placed.size(); ++atom)
      if (placed[atom] != 1) fail("the Z-matrix places atom {} {} times, but must place it once", atom, placed[atom]);
    // Rows in any order: place what can be placed until nothing is left, or nothing moves (a circle of references).
    std::vector<char> known(system_.atoms.size(), 0);
    for (int atom : z.root) known[atom] = 1;
    std::vector<ZMatrixRow> waiting = z.rows;
    while (!waiting.empty()) {
      const std::size_t before = waiting.size();
      std::erase_if(waiting, [&](const ZMatrixRow& row) {
        const bool ready = known[row.bond] && known[row.angle] && known[row.torsion];
        if (ready) known[row.atom] = 1;
        return ready;
      });
      if (waiting.size() == before)
        fail("the Z-matrix rows of atom {} and {} others refer to each other in a circle", waiting[0].atom, before - 1);
    }
  }

  void connected() const {
    std::vector<int> parent(system_.atoms.size());
    std::iota(parent.begin(), parent.end(), 0);
    const auto root_of = [&](int atom) {
      while (parent[atom] != atom) atom = parent[atom] = parent[parent[atom]];
      return atom;
    };
    for (const auto& bond : system_.bonds) parent[root_of(bond[0])] = root_of(bond[1]);
    for (int atom = 1; atom < system_.n_atoms(); ++atom)
      if (root_of(atom) != root_of(0))
        fail("no chain of bonds joins atom {} to atom 0; boltzflow handles one molecule at a time", atom);
  }

  const MolecularSystem& system_;
  const std::string& origin_;
};

}  // namespace

void validate(const MolecularSystem& system, const std::string& origin) { Validator(system, origin).run(); }

}  // namespace boltzflow
