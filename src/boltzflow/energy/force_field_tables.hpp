// SPDX-License-Identifier: MIT
// What the force-field kernels read: plain arrays, with everything that does not depend on positions folded in.
// No functions here, for kernel files include this (see base/simd/vector-inl.hpp).
#pragma once
#include <stdint.h>

namespace boltzflow::energy {

/// Highest periodicity of a torsion that the kernels can take.
inline constexpr int max_periodicity = 6;

enum ForceFieldTerm {
  term_bonds,
  term_angles,
  term_torsions,
  term_lennard_jones,
  term_coulomb,
  term_born,
  term_surface,
  n_force_field_terms
};

template <class Scalar>
struct ForceFieldTables {
  struct Bond {
    int32_t i, j;
    Scalar length, force_constant;
  };
  struct Angle {
    int32_t i, j, k;
    Scalar angle, force_constant;
  };
  /// All torsions on one quadruple: U = constant + sum_n cosine[n-1] cos(n phi) + sine[n-1] sin(n phi).
  struct Torsion {
    int32_t i, j, k, l, n_harmonics;
    Scalar constant, cosine[max_periodicity], sine[max_periodicity];
  };
  /// In the order (0,1), (0,2), ..., (n-2,n-1). U = charge_product/r + c12/r^12 - c6/r^6 + born_product/f_GB.
  struct Pair {
    Scalar charge_product, c12, c6, born_product;
  };
  /// Cutoffs and necks of a pair; cutoffs are infinite where there are none, necks 0.
  /// U = charge_product/r + reaction_field r^2 - coulomb_shift, born_product/f_GB - born_shift.
  struct PairOptions {
    Scalar cutoff_squared, reaction_field, coulomb_shift, born_shift, neck_cutoff_squared;
    Scalar neck_height_i, neck_distance_i, neck_height_j, neck_distance_j;  ///< heights are 2 scale h
  };
  struct BornAtom {
    Scalar offset_radius, inverse_offset_radius, scaled_radius, scaled_radius_squared, twice_scaled_radius_cubed,
        half_offset_radius, inverse_radius;
    Scalar alpha, beta, gamma;
    Scalar surface;      ///< surface term = surface / B^6
    Scalar self_energy;  ///< self term = self_energy / B
  };

  int32_t n_atoms, n_bonds, n_angles, n_torsions;
  bool has_pairs, has_born, particle_inside_term, has_necks;
  bool rescaled_radii;  ///< the tanh of OBC and GBn; not HCT
  const Bond* bonds;
  const Angle* angles;
  const Torsion* torsions;
  const Pair* pairs;
  const PairOptions* pair_options;  ///< as pairs, or null
  const Scalar* far_squared;  ///< as pairs, with Born: from this squared distance on far_sphere() serves both atoms
  const BornAtom* born_atoms;
  Scalar born_cutoff_squared;
};

}  // namespace boltzflow::energy
