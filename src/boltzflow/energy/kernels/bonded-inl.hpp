// SPDX-License-Identifier: MIT
// Bonds, angles and torsions of one tile. Gradients follow reference/force_field.cpp, rearranged to avoid divisions.
#pragma once
#include "boltzflow/energy/kernels/tile-inl.hpp"

namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET {

template <class Scalar, class Switches>
BOLTZFLOW_INLINE void add_bonds(const ForceFieldTables<Scalar>& tables, const typename Lanes<Scalar>::Vector* x,
                                typename Lanes<Scalar>::Vector* g, EnergySums<Scalar, Switches::terms>& sums) {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;
  Vector energy = L::set(0);
  for (const auto *bond = tables.bonds, *end = bond + tables.n_bonds; bond != end; ++bond) {
    const Vector3<Vector> d = atom(x, bond->i) - atom(x, bond->j);
    const Vector r_squared = at_least<L>(Floors<Scalar>::length_squared, dot(d, d));
    const Vector inverse_r = L::rsqrt(r_squared);
    const Vector stretch = r_squared * inverse_r - bond->length;
    const Vector slope = bond->force_constant * stretch;
    energy += static_cast<Scalar>(0.5) * slope * stretch;
    if constexpr (Switches::gradient) {
      const Vector3<Vector> force = (slope * inverse_r) * d;
      add_to(g, bond->i, force);
      add_to(g, bond->j, Vector3<Vector>{-force.x, -force.y, -force.z});
    }
  }
  sums.add(term_bonds, energy);
}

/// theta from its cosine; d theta/d r_i = -(k_hat - cos theta i_hat)/(|i| sin theta).
template <class Scalar, class Switches>
BOLTZFLOW_INLINE void add_angles(const ForceFieldTables<Scalar>& tables, const typename Lanes<Scalar>::Vector* x,
                                 typename Lanes<Scalar>::Vector* g, EnergySums<Scalar, Switches::terms>& sums) {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;
  Vector energy = L::set(0);
  for (const auto *angle = tables.angles, *end = angle + tables.n_angles; angle != end; ++angle) {
    const Vector3<Vector> center = atom(x, angle->j);
    Vector3<Vector> a = atom(x, angle->i) - center, b = atom(x, angle->k) - center;
    const Vector inverse_a = L::rsqrt(at_least<L>(Floors<Scalar>::length_squared, dot(a, a)));
    const Vector inverse_b = L::rsqrt(at_least<L>(Floors<Scalar>::length_squared, dot(b, b)));
    a = inverse_a * a;
    b = inverse_b * b;
    const Vector cosine = dot(a, b);
    const Vector bend = L::acos(cosine) - angle->angle;
    const Vector slope = angle->force_constant * bend;
    energy += static_cast<Scalar>(0.5) * slope * bend;
    if constexpr (Switches::gradient) {
      const Vector inverse_sine =
          L::rsqrt(at_least<L>(Floors<Scalar>::sine_squared, static_cast<Scalar>(1) - cosine * cosine));
      const Vector t = slope * inverse_sine, ta = t * inverse_a, tb = t * inverse_b;
      const Vector3<Vector> at_i = ta * (cosine * a - b), at_k = tb * (cosine * b - a);
      add_to(g, angle->i, at_i);
      add_to(g, angle->k, at_k);
      add_to(g, angle->j, Vector3<Vector>{-at_i.x - at_k.x, -at_i.y - at_k.y, -at_i.z - at_k.z});
    }
  }
  sums.add(term_angles, energy);
}

/// cos phi and sin phi from cross products, their multiples by the angle-addition theorem; phi itself is never needed.
template <class Scalar, class Switches>
BOLTZFLOW_INLINE void add_torsions(const ForceFieldTables<Scalar>& tables, const typename Lanes<Scalar>::Vector* x,
                                   typename Lanes<Scalar>::Vector* g, EnergySums<Scalar, Switches::terms>& sums) {
  using L = Lanes<Scalar>;
  using Vector = typename L::Vector;
  Vector energy = L::set(0);
  for (const auto *torsion = tables.torsions, *end = torsion + tables.n_torsions; torsion != end; ++torsion) {
    const Vector3<Vector> xj = atom(x, torsion->j), xk = atom(x, torsion->k);
    const Vector3<Vector> b1 = xj - atom(x, torsion->i), b2 = xk - xj, b3 = atom(x, torsion->l) - xk;
    const Vector3<Vector> m = cross(b1, b2), n = cross(b2, b3);
    const Vector inverse_m = L::rsqrt(at_least<L>(Floors<Scalar>::area_squared, dot(m, m)));
    const Vector inverse_n = L::rsqrt(at_least<L>(Floors<Scalar>::area_squared, dot(n, n)));
    const Vector b2_squared = at_least<L>(Floors<Scalar>::length_squared, dot(b2, b2));
    const Vector inverse_b2 = L::rsqrt(b2_squared), length_b2 = b2_squared * inverse_b2;
    const Vector inverse_mn = inverse_m * inverse_n;
    const Vector cosine = dot(m, n) * inverse_mn, sine = dot(b1, n) * length_b2 * inverse_mn;
    Vector cosine_n = cosine, sine_n = sine, slope = L::set(0);
    energy += torsion->constant;
    for (int harmonic = 1;; ++harmonic) {
      const Scalar a = torsion->cosine[harmonic - 1], b = torsion->sine[harmonic - 1];
      energy += a * cosine_n + b * sine_n;
      if constexpr (Switches::gradient) slope += static_cast<Scalar>(harmonic) * (b * cosine_n - a * sine_n);
      if (harmonic >= torsion->n_harmonics) break;
      const Vector next = cosine_n * cosine - sine_n * sine;
      sine_n = sine_n * cosine + cosine_n * sine;
      cosine_n = next;
    }
    if constexpr (Switches::gradient) {
      const Vector t = slope * length_b2, inverse_b2_squared = inverse_b2 * inverse_b2;
      const Vector3<Vector> at_i = (-t * inverse_m * inverse_m) * m, at_l = (t * inverse_n * inverse_n) * n;
      const Vector p = dot(b1, b2) * inverse_b2_squared, q = dot(b3, b2) * inverse_b2_squared;
      const Vector3<Vector> shift = q * at_l - p * at_i;
      add_to(g, torsion->i, at_i);
      add_to(g, torsion->l, at_l);
      add_to(g, torsion->j, shift - at_i);
      add_to(g, torsion->k, Vector3<Vector>{-shift.x - at_l.x, -shift.y - at_l.y, -shift.z - at_l.z});
    }
  }
  sums.add(term_torsions, energy);
}

}  // namespace boltzflow::energy::BOLTZFLOW_SIMD_TARGET
