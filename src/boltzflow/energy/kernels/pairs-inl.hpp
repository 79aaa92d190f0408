// SPDX-License-Identifier: MIT
// Lennard-Jones, Coulomb and generalised Born of one tile, in three passes over the pairs:
//   1  distances; Lennard-Jones and Coulomb; the descreening integrals I and their derivatives
//   2  Born radii; the Born pair energy, its derivatives in r and in the radii
//   3  the chain rule through the radii, and the pair forces
// Between the passes four vectors a pair are kept in scratch; without Born pass 1 does all.
#pragma once
#include "boltzflow/energy/kernels/descreening-inl.hpp"
#include "boltzflow/energy/kernels/tile-inl.hpp"

namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET {

template <class Vector>
struct PairIntermediate {
  Vector r_squared;
  Vector slope_over_r;                                            ///< (dU/dr)/r at fixed Born radii
  Vector descreening_i_slope_over_r, descreening_j_slope_over_r;  ///< 2 (dI/dr)/r
};

template <class Scalar, class Switches>
BOLTZFLOW_INLINE void add_pairs(const ForceFieldTables<Scalar>& tables,
                                const typename Lanes<Scalar>::Vector* __restrict x,
                                typename Lanes<Scalar>::Vector* __restrict g,
                                typename Lanes<Scalar>::Vector* __restrict scratch,
                                EnergySums<Scalar, Switches::terms>& sums) {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;
  const int n = tables.n_atoms;
  Vector* const integral = scratch;
  Vector* const radius = integral + n;
  Vector* const inverse_radius = radius + n;
  Vector* const radius_slope = inverse_radius + n;  // dU/dB, then (1/2) dU/dI
  Vector* const chain = radius_slope + n;           // (1/2) dB/dI
  auto* const intermediates = reinterpret_cast<PairIntermediate<Vector>*>(chain + n);

  if constexpr (Switches::born)
    for (int i = 0; i < n; ++i) integral[i] = L::set(0);

  const auto* pair = tables.pairs;
  const auto* option = tables.pair_options;
  const Scalar* far_squared = tables.far_squared;
  PairIntermediate<Vector>* kept = intermediates;
  for (int i = 0; i < n - 1; ++i) {
    const Vector3<Vector> xi = atom(x, i);
    Vector energy_lennard_jones = L::set(0), energy_coulomb = L::set(0), integral_i = L::set(0);
    Vector3<Vector> gi{L::set(0), L::set(0), L::set(0)};
    for (int j = i + 1; j < n; ++j, ++pair) {
      const Vector3<Vector> d = xi - atom(x, j);
      const Vector r_squared = at_least<L>(Floors<Scalar>::pair_distance_squared, dot(d, d));
      const Vector inverse_r = inverse_square_root<L>(r_squared), inverse_r2 = inverse_r * inverse_r;
      const Vector inverse_r6 = inverse_r2 * inverse_r2 * inverse_r2;
      Vector coulomb = pair->charge_product * inverse_r;
      // In this order 0/r^12 is 0 for every r above the floor.
      const Vector repulsion = pair->c12 * inverse_r6 * inverse_r6, attraction = pair->c6 * inverse_r6;
      Vector lennard_jones = repulsion - attraction;
      Vector slope_over_r = L::set(0);
      if constexpr (Switches::gradient)
        slope_over_r = -inverse_r2 * (static_cast<Scalar>(6) * (repulsion + lennard_jones) + coulomb);
      if constexpr (Switches::options) {
        const typename L::Integer reaches = !(r_squared >= L::set(option->cutoff_squared));
        coulomb += option->reaction_field * r_squared - option->coulomb_shift;
        coulomb = L::select(reaches, coulomb, L::set(0));
        lennard_jones = L::select(reaches, lennard_jones, L::set(0));
        slope_over_r = L::select(reaches, slope_over_r + static_cast<Scalar>(2) * option->reaction_field, L::set(0));
      }
      if constexpr (Switches::terms) {
        energy_lennard_jones += lennard_jones;
        energy_coulomb += coulomb;
      } else {
        energy_lennard_jones += lennard_jones + coulomb;
      }
      if constexpr (Switches::born) {
        const auto &a = tables.born_atoms[i], &b = tables.born_atoms[j];
        const PairDistance<Vector> distance{r_squared * inverse_r, r_squared, inverse_r, inverse_r2, inverse_r6};
        // Distant atoms are distant in most conformations; where they are not, every lane still takes its own formula,
        // so that no conformation feels its neighbours in the tile, not even in the last bit.
        const typename L::Integer is_far = r_squared >= L::set(*far_squared++);
        const unsigned far_lanes = bits_of<L>(is_far);
        Descreening<Vector> of_i{L::set(0), L::set(0)}, of_j = of_i;
        if (far_lanes != 0) {
          of_i = far_sphere<L, Switches>(distance, b);
          of_j = far_sphere<L, Switches>(distance, a);
        }
        if (far_lanes != (1u << L::count) - 1) {
          const bool inside = Switches::options ? tables.particle_inside_term : Switches::inside;
          const auto near_i = near_sphere<L, Switches>(distance, a, b, inside);
          const auto near_j = near_sphere<L, Switches>(distance, b, a, inside);
          of_i = far_lanes == 0 ? near_i : select<L>(is_far, of_i, near_i);
          of_j = far_lanes == 0 ? near_j : select<L>(is_far, of_j, near_j);
        }
        if constexpr (Switches::options) {
          if (tables.has_necks) {
            const auto at_i = neck<L, Switches>(distance, option->neck_height_i, option->neck_distance_i,
                                                option->neck_cutoff_squared);
            const auto at_j = neck<L, Switches>(distance, option->neck_height_j, option->neck_distance_j,
                                                option->neck_cutoff_squared);
            of_i = {of_i.integral + at_i.integral, of_i.slope_over_r + at_i.slope_over_r};
            of_j = {of_j.integral + at_j.integral, of_j.slope_over_r + at_j.slope_over_r};
          }
          const typename L::Integer reaches = !(r_squared >= L::set(tables.born_cutoff_squared));
          of_i = select<L>(reaches, of_i, {L::set(0), L::set(0)});
          of_j = select<L>(reaches, of_j, {L::set(0), L::set(0)});
        }
        integral_i += of_i.integral;
        integral[j] += of_j.integral;
        kept->r_squared = r_squared;
        if constexpr (Switches::gradient) {
          kept->slope_over_r = slope_over_r;
          kept->descreening_i_slope_over_r = of_i.slope_over_r;
          kept->descreening_j_slope_over_r = of_j.slope_over_r;
        }
        ++kept;
      } else if constexpr (Switches::gradient) {
        const Vector3<Vector> pull = slope_over_r * d;
        gi = gi + pull;
        add_to(g, j, Vector3<Vector>{-pull.x, -pull.y, -pull.z});
      }
      if constexpr (Switches::options) ++option;
    }
    sums.add(term_lennard_jones, energy_lennard_jones);
    if constexpr (Switches::terms) sums.add(term_coulomb, energy_coulomb);
    if constexpr (Switches::born)
      integral[i] += integral_i;
    else if constexpr (Switches::gradient)
      add_to(g, i, gi);
  }

  if constexpr (Switches::born) {
    Vector energy_self = L::set(0), energy_surface = L::set(0);
    for (int i = 0; i < n; ++i) {
      const auto& a = tables.born_atoms[i];
      Vector inverse, inverse_slope;  // 1/B and -d(1/B)/d(2I)
      if (tables.rescaled_radii) {
        const Vector psi = a.half_offset_radius * integral[i], psi_squared = psi * psi;
        const Vector argument = psi * (a.alpha - a.beta * psi + a.gamma * psi_squared);
        const Vector tanh =
            static_cast<Scalar>(1) -
            static_cast<Scalar>(2) * L::reciprocal(L::exp(static_cast<Scalar>(2) * argument) + static_cast<Scalar>(1));
        inverse = a.inverse_offset_radius - a.inverse_radius * tanh;
        inverse_slope =
            (static_cast<Scalar>(1) - tanh * tanh) *
            (a.alpha - static_cast<Scalar>(2) * a.beta * psi + static_cast<Scalar>(3) * a.gamma * psi_squared) *
            (a.half_offset_radius * a.inverse_radius);
      } else {
        inverse = a.inverse_offset_radius - static_cast<Scalar>(0.5) * integral[i];
        inverse_slope = L::set(static_cast<Scalar>(0.5));
      }
      const Vector born = L::reciprocal(inverse);
      const Vector inverse_squared = inverse * inverse;
      const Vector surface = a.surface * (inverse_squared * inverse_squared * inverse_squared),
                   self = a.self_energy * inverse;
      energy_surface += surface;
      energy_self += self;
      inverse_radius[i] = inverse;
      radius[i] = born;
      if constexpr (Switches::gradient) {
        radius_slope[i] = -inverse * (static_cast<Scalar>(6) * surface + self);
        chain[i] = inverse_slope * born * born;
      }
    }
    sums.add(term_born, energy_self);
    sums.add(term_surface, energy_surface);

    pair = tables.pairs;
    option = tables.pair_options;
    kept = intermediates;
    for (int i = 0; i < n - 1; ++i) {
      const Vector radius_i = radius[i], quarter_inverse_i = static_cast<Scalar>(0.25) * inverse_radius[i];
      Vector energy = L::set(0), slope_i = L::set(0);
      for (int j = i + 1; j < n; ++j, ++pair, ++kept) {
        const Vector r_squared = kept->r_squared, product = radius_i * radius[j];
        const Vector exponent = r_squared * quarter_inverse_i * inverse_radius[j];
        const Vector decay = exp_of_minus<L>(exponent);
        const Vector inverse_f = inverse_square_root<L>(r_squared + product * decay);
        Vector born = pair->born_product * inverse_f;
        if constexpr (Switches::options) {
          const typename L::Integer reaches = !(r_squared >= L::set(tables.born_cutoff_squared));
          energy += L::select(reaches, born - option->born_shift, L::set(0));
          born = L::select(reaches, born, L::set(0));
          ++option;
        } else {
          energy += born;
        }
        if constexpr (Switches::gradient) {
          const Vector born_over_f2 = born * inverse_f * inverse_f;
          kept->slope_over_r -= born_over_f2 * (static_cast<Scalar>(1) - static_cast<Scalar>(0.25) * decay);
          const Vector slope = static_cast<Scalar>(-0.5) * born_over_f2 * (decay + decay * exponent);
          slope_i += slope * radius[j];
          radius_slope[j] += slope * radius_i;
        }
      }
      sums.add(term_born, energy);
      if constexpr (Switches::gradient) radius_slope[i] += slope_i;
    }

    if constexpr (Switches::gradient) {
      for (int i = 0; i < n; ++i) radius_slope[i] *= chain[i];
      kept = intermediates;
      for (int i = 0; i < n - 1; ++i) {
        const Vector3<Vector> xi = atom(x, i);
        const Vector slope_i = radius_slope[i];
        Vector3<Vector> gi{L::set(0), L::set(0), L::set(0)};
        for (int j = i + 1; j < n; ++j, ++kept) {
          const Vector slope = kept->slope_over_r + slope_i * kept->descreening_i_slope_over_r +
                               radius_slope[j] * kept->descreening_j_slope_over_r;
          const Vector3<Vector> pull = slope * (xi - atom(x, j));
          gi = gi + pull;
          g[3 * j] -= pull.x;
          g[3 * j + 1] -= pull.y;
          g[3 * j + 2] -= pull.z;
        }
        add_to(g, i, gi);
      }
    }
  }
}

}  // namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET
