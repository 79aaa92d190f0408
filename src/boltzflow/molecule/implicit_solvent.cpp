// SPDX-License-Identifier: MIT
#include "boltzflow/molecule/implicit_solvent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/molecule/generalized_born_models.hpp"

namespace boltzflow {
namespace {

struct ElementParameters {
  std::string_view element;
  double radius;  ///< Angstrom
  /// Scale factors of the offset radius: HCT and OBC, GBn, GBn2.
  double screen, gbn_screen, gbn2_screen;
};

/// Elements that are not listed have the last row's parameters.
constexpr ElementParameters element_parameters[] = {
    {"H", 1.2, 0.85, 1.09085413633, 1.425952},
    {"C", 1.7, 0.72, 0.48435382330, 1.058554},
    {"N", 1.55, 0.79, 0.700147318409, 0.733599},
    {"O", 1.5, 0.85, 1.06557401132, 1.061039},
    {"F", 1.5, 0.88, 0.5, 0.5},
    {"Si", 2.1, 0.8, 0.5, 0.5},
    {"P", 1.85, 0.86, 0.5, 0.5},
    {"S", 1.8, 0.96, 0.602256336067, -0.703469},
    {"Cl", 1.7, 0.8, 0.5, 0.5},
    {"", 1.5, 0.8, 0.5, 0.5},
};

const ElementParameters& parameters_of(std::string_view element) {
  const auto found = std::find_if(std::begin(element_parameters), std::end(element_parameters),
                                  [&](const auto& row) { return row.element == element; });
  return found == std::end(element_parameters) ? element_parameters[std::size(element_parameters) - 1] : *found;
}

/// Angstrom.
double hydrogen_radius(std::string_view partner, BornRadii radii) {
  if (radii == BornRadii::mbondi) {
    if (partner == "C" || partner == "N") return 1.3;
    if (partner == "O" || partner == "S") return 0.8;
  } else if (radii != BornRadii::bondi && partner == "N") {
    return 1.3;
  }
  return 1.2;
}

bool is_carboxylate_oxygen(int atom, const Topology& topology, const std::vector<std::vector<int>>& bonded) {
  if (topology.atoms[atom].element != "O" || bonded[atom].size() != 1) return false;
  const int carbon = bonded[atom][0];
  if (topology.atoms[carbon].element != "C" || bonded[carbon].size() != 3) return false;
  return std::any_of(bonded[carbon].begin(), bonded[carbon].end(),
                     [&](int other) { return other != atom && topology.atoms[other].element == "O"; });
}

}  // namespace

std::vector<double> born_radii(const Topology& topology, BornRadii radii) {
  const auto bonded = bonded_atoms(topology.n_atoms(), topology.bonds);
  std::vector<double> out;
  for (int i = 0; i < topology.n_atoms(); ++i) {
    const Atom& atom = topology.atoms[i];
    double radius = parameters_of(atom.element).radius;
    if (atom.element == "H")
      radius = hydrogen_radius(bonded[i].empty() ? "" : topology.atoms[bonded[i][0]].element, radii);
    if (radii == BornRadii::mbondi3) {
      if (is_carboxylate_oxygen(i, topology, bonded))
        radius = 1.4;
      else if (atom.residue_name == "ARG" && (atom.name.starts_with("HH") || atom.name.starts_with("HE")))
        radius = 1.17;
    }
    out.push_back(radius / 10);
  }
  return out;
}

GeneralizedBorn implicit_solvent(std::string_view model, const Topology& topology, std::span<const double> charges) {
  const BornRadii kind = model == "HCT"    ? BornRadii::mbondi
                         : model == "GBn"  ? BornRadii::bondi
                         : model == "GBn2" ? BornRadii::mbondi3
                                           : BornRadii::mbondi2;
  return implicit_solvent(model, topology.atoms, charges, born_radii(topology, kind));
}

GeneralizedBorn implicit_solvent(std::string_view model, std::span<const Atom> atoms, std::span<const double> charges,
                                 std::span<const double> radii, std::span<const double> screens) {
  GeneralizedBorn born = generalized_born_model(model);
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    const ElementParameters& row = parameters_of(atoms[i].element);
    const double by_element = model == "GBn" ? row.gbn_screen : model == "GBn2" ? row.gbn2_screen : row.screen;
    const double offset_radius = radii[i] - born.offset;
    born.particles.push_back({charges[i], offset_radius, (screens.empty() ? by_element : screens[i]) * offset_radius});
    if (model == "GBn2") born.coefficients.push_back(gbn2_coefficients(atoms[i].element));
  }
  if (model == "GBn") born.neck = born_neck(radii, 0.361825);
  if (model == "GBn2") born.neck = born_neck(radii, 0.826836);
  return born;
}

void use_particle_inside_form(GeneralizedBorn& born) {
  born.particle_inside_term = true;
  born.coulomb_constant = coulomb_constant;
  born.surface_coefficient = 4 * std::numbers::pi * 2.25936;
}

GeneralizedBorn implicit_solvent_of_types(const ForceFieldDefinition& force_field, const Topology& topology,
                                          const std::vector<int>& type) {
  GeneralizedBorn born = generalized_born_model("OBC2");
  use_particle_inside_form(born);
  born.solvent_dielectric = 78.3;
  for (int i = 0; i < topology.n_atoms(); ++i) {
    const auto found = force_field.born.find(type[i]);
    if (found == force_field.born.end()) {
      const Atom& atom = topology.atoms[i];
      throw InputError(topology.residues[topology.residue_of[i]].where,
                       fmt::format("the GBSAOBCForce of {} has no parameters for atom {} of residue {} {} (type {})",
                                   force_field.origin, atom.name, atom.residue_name, atom.residue_number,
                                   force_field.types[type[i]].name));
    }
    const double offset_radius = found->second.radius - born.offset;
    born.particles.push_back({found->second.charge, offset_radius, found->second.scale * offset_radius});
  }
  return born;
}

}  // namespace boltzflow
