// SPDX-License-Identifier: MIT
// Positions to z and log|det|, and the reverse pass. With u = P - C, v = B - C:
//     d = |u|,   a = atan2(|u x v|, u . v),   t = atan2((b1 . b2 x b3) |b2|, (b1 x b2) . (b2 x b3)),
//     b1 = B - A, b2 = C - B, b3 = P - C
// both accurate at all angles. The torsion's gradient is that of Blondel and Karplus (1996), free of 1/sin t.
#include "boltzflow/coordinates/kernels/geometry-inl.hpp"

namespace boltzflow::coordinate_kernels::BOLTZFLOW_SIMD_TARGET {
namespace {

template <class L>
struct Bend {
  typename L::Vector length;                // |u|
  typename L::Vector angle, sine, cosine;   // of the angle at C
  typename L::Vector inverse_u, inverse_v;  // 1 / |u|, 1 / |v|
};

template <class L>
BOLTZFLOW_INLINE Bend<L> bend_of(Point<L> u, Point<L> v) {
  using V = typename L::Vector;
  constexpr typename L::Scalar tiny = (typename L::Scalar)1e-30;
  const V uu = dot(u, u), vv = dot(v, v), uv = dot(u, v);
  const Point<L> normal = cross(u, v);
  const V area = L::sqrt(dot(normal, normal));
  Bend<L> bend;
  bend.length = L::sqrt(uu);
  bend.inverse_u = L::rsqrt(L::max(L::set(tiny), uu));
  bend.inverse_v = L::rsqrt(L::max(L::set(tiny), vv));
  bend.angle = L::atan2(area, uv);
  const V inverse = bend.inverse_u * bend.inverse_v;
  bend.sine = area * inverse;
  bend.cosine = uv * inverse;
  return bend;
}

/// The torsion in turns, in [0, 1]: atan2 / 2 pi + 1/2.
template <class L>
BOLTZFLOW_INLINE typename L::Vector torsion_of(Point<L> a, Point<L> b, Point<L> c, Point<L> p) {
  const Point<L> b1 = b - a, b2 = c - b, b3 = p - c;
  const Point<L> normal = cross(b2, b3);
  const auto angle = L::atan2(dot(b1, normal) * L::sqrt(dot(b2, b2)), dot(cross(b1, b2), normal));
  return angle * (1 / two_pi<L>)+(typename L::Scalar)0.5;
}

/// Half the opening beyond 180 degrees, in turns, of a folded torsion's other branch; 0 without one.
template <class L>
BOLTZFLOW_INLINE typename L::Vector half_opening(const InternalCoordinatesRow<typename L::Scalar>& row,
                                                 const typename L::Vector* positions, Point<L> b, Point<L> c,
                                                 Point<L> p) {
  using S = typename L::Scalar;
  if (row.fold_atom < 0) return L::set(0);
  const auto turns = torsion_of<L>(p, b, c, get<L>(positions, row.fold_atom));
  return (S)0.5 * (turns - L::floor(turns + (S)0.5));
}

/// z of a torsion; the nearest end of the half circle where the torsion lies in the other half.
template <class L>
BOLTZFLOW_INLINE typename L::Vector torsion_coordinate(const InternalCoordinatesRow<typename L::Scalar>& row,
                                                       typename L::Vector turns) {
  using S = typename L::Scalar;
  auto z = (turns - row.torsion_offset) / row.torsion_scale;
  z = L::select(z < (S)-0.5, z + (S)2, z);
  return L::select(z > (S)1.5, z - (S)2, z);
}

template <class L>
BOLTZFLOW_INLINE typename L::Vector coordinate_of(const IntervalCoordinate<typename L::Scalar>& c,
                                                  typename L::Vector value) {
  return (value - c.reference) * c.inverse_width + (typename L::Scalar)0.5;
}

/// The tile's representable flags, as a mask of lanes that are still good.
template <class L>
struct Check {
  typename L::Integer good = L::set(0) == L::set(0);
  BOLTZFLOW_INLINE void between(typename L::Vector z, typename L::Scalar lower, typename L::Scalar upper) {
    good &= (z >= lower) & (z <= upper);
  }
};

template <class Scalar>
void run_from_cartesian(const FromCartesianArguments<Scalar>& arguments, int64_t begin, int64_t end, void* scratch) {
  using L = Lanes<Scalar>;
  using V = typename L::Vector;
  const auto& table = *arguments.table;
  auto* positions = (V*)scratch;
  const Scalar tolerance = table.tolerance;
  for (int64_t first = begin; first < end; first += L::count) {
    const int n = (int)(end - first < L::count ? end - first : L::count);
    load_tile<L>(arguments.positions, first, n, 3 * table.n_atoms, positions);
    LogVolume<L> volume;
    Check<L> check;
    auto store = [&](int dimension, V z) __attribute__((always_inline)) {
      store_column<L>(arguments.z, arguments.n_samples, first, n, dimension, z);
    };
    auto length = [&](const IntervalCoordinate<Scalar>& c, V d) __attribute__((always_inline))->V {
      if (c.dimension < 0) {
        check.between(d - c.reference, -table.constraint_tolerance, table.constraint_tolerance);
        return L::set(1);
      }
      const V z = coordinate_of<L>(c, d), kept = limited<L>(c, z);
      check.between(z, c.lower - tolerance, c.upper + tolerance);
      store(c.dimension, kept);
      return (Scalar)1 + (kept - (Scalar)0.5) * c.relative_width;
    };
    auto bend = [&](const AngleCoordinate<Scalar>& c, const Bend<L>& b) __attribute__((always_inline))->V {
      const V z = coordinate_of<L>(c, b.angle);
      check.between(z, c.lower - tolerance, c.upper + tolerance);
      store(c.dimension, limited<L>(c, z));
      return L::select(z < c.lower, L::set(c.sine_at_lower), L::select(z > c.upper, L::set(c.sine_at_upper), b.sine));
    };
    const Point<L> p0 = get<L>(positions, table.root[0]), p1 = get<L>(positions, table.root[1]),
                   p2 = get<L>(positions, table.root[2]);
    const Bend<L> root = bend_of<L>(p2 - p1, p0 - p1);
    volume.multiply(length(table.first_length, L::sqrt(dot(p0 - p1, p0 - p1))), L::set(1));
    volume.multiply(length(table.second_length, root.length), bend(table.root_bend, root));
    for (int r = 0; r < table.n_rows; ++r) {
      const auto& row = table.rows[r];
      const Point<L> p = get<L>(positions, row.atom), c = get<L>(positions, row.bond), b = get<L>(positions, row.angle),
                     a = get<L>(positions, row.torsion);
      const Bend<L> angle = bend_of<L>(p - c, b - c);
      const V relative = length(row.length, angle.length), sine = bend(row.bend, angle);
      volume.multiply(relative, sine);
      if (row.take_logarithm) volume.take_logarithm();
      const V z = torsion_coordinate<L>(row, torsion_of<L>(a, b, c, p) + half_opening<L>(row, positions, b, c, p));
      check.between(z, -tolerance, 1 + tolerance);
      store(row.torsion_dimension, L::min(L::set(1), L::max(L::set(0), z)));
    }
    if (table.n_rows == 0) volume.take_logarithm();
    store_log_det<L>(arguments.log_det, first, n, volume.sum, table.log_det_constant);
    for (int lane = 0; lane < n; ++lane) arguments.representable[first + lane] = check.good[lane] != 0;
  }
}

template <class Scalar>
void run_from_cartesian_gradient(const FromCartesianGradientArguments<Scalar>& arguments, int64_t begin, int64_t end,
                                 void* scratch) {
  using L = Lanes<Scalar>;
  using V = typename L::Vector;
  constexpr Scalar tiny = (Scalar)1e-30, smallest_sine = (Scalar)1e-6;
  const auto& table = *arguments.table;
  auto* positions = (V*)scratch;
  auto* gradient = positions + 3 * table.n_atoms;
  auto* copy = gradient + 3 * table.n_atoms;
  const V zero = L::set(0);
  for (int64_t first = begin; first < end; first += L::count) {
    const int n = (int)(end - first < L::count ? end - first : L::count);
    load_tile<L>(arguments.positions, first, n, 3 * table.n_atoms, positions);
    for (int k = 0; k < 3 * table.n_atoms; ++k) gradient[k] = zero;
    const auto z_gradient = columns<L>(arguments.z_gradient, arguments.n_samples, first, n, table.dimension, copy);
    const V log_det_gradient = load_doubles<L>(arguments.log_det_gradient, first, n);
    // dL/d(value) of a bond or angle whose log-determinant term has the derivative `slope`; 0 where z is clamped.
    auto pull = [&](const IntervalCoordinate<Scalar>& c, V value, V slope) __attribute__((always_inline))->V {
      if (c.dimension < 0) return zero;
      const V g = z_gradient[c.dimension] * c.inverse_width + log_det_gradient * slope;
      return L::select(inside<L>(c, coordinate_of<L>(c, value)), g, zero);
    };
    auto bond_and_angle = [&](int atom, int bond, int angle, const IntervalCoordinate<Scalar>& length,
                              const AngleCoordinate<Scalar>& bend) __attribute__((always_inline)) {
      const Point<L> c = get<L>(positions, bond), u = get<L>(positions, atom) - c, v = get<L>(positions, angle) - c;
      const Bend<L> g = bend_of<L>(u, v);
      const Point<L> u_unit = scaled(u, g.inverse_u), v_unit = scaled(v, g.inverse_v);
      const V sine = L::max(L::set(smallest_sine), g.sine);
      const V by_length = pull(length, g.length, 2 * g.inverse_u);
      const V by_angle = pull(bend, g.angle, g.cosine / sine) / sine;
      const Point<L> on_atom =
          scaled(u_unit, by_length) + scaled(scaled(u_unit, g.cosine) - v_unit, by_angle * g.inverse_u);
      const Point<L> on_angle = scaled(scaled(v_unit, g.cosine) - u_unit, by_angle * g.inverse_v);
      add<L>(gradient, atom, on_atom);
      add<L>(gradient, angle, on_angle);
      add<L>(gradient, bond, Point<L>{zero, zero, zero} - on_atom - on_angle);
    };
    // Blondel and Karplus, i j k l = the atoms a b c p.
    auto torsion = [&](int ia, int ib, int ic, int ip, V by_torsion) __attribute__((always_inline)) {
      const Point<L> a = get<L>(positions, ia), b = get<L>(positions, ib), c = get<L>(positions, ic),
                     p = get<L>(positions, ip);
      const Point<L> f = a - b, g = b - c, h = p - c;
      const Point<L> normal_a = cross(f, g), normal_p = cross(h, g);
      const V gg = L::max(L::set(tiny), dot(g, g)), inverse_g = L::rsqrt(gg), length_g = gg * inverse_g;
      const V scale_a = by_torsion / L::max(L::set(tiny), dot(normal_a, normal_a));
      const V scale_p = by_torsion / L::max(L::set(tiny), dot(normal_p, normal_p));
      const Point<L> on_a = scaled(normal_a, -length_g * scale_a), on_p = scaled(normal_p, length_g * scale_p);
      const Point<L> between =
          scaled(normal_a, dot(f, g) * inverse_g * scale_a) - scaled(normal_p, dot(h, g) * inverse_g * scale_p);
      add<L>(gradient, ia, on_a);
      add<L>(gradient, ib, between - on_a);
      add<L>(gradient, ic, Point<L>{zero, zero, zero} - between - on_p);
      add<L>(gradient, ip, on_p);
    };
    {
      const Point<L> u = get<L>(positions, table.root[1]) - get<L>(positions, table.root[0]);
      const V uu = dot(u, u), inverse = L::rsqrt(L::max(L::set(tiny), uu));
      const Point<L> g = scaled(u, inverse * pull(table.first_length, L::sqrt(uu), 2 * inverse));
      add<L>(gradient, table.root[1], g);
      add<L>(gradient, table.root[0], Point<L>{zero, zero, zero} - g);
      bond_and_angle(table.root[2], table.root[1], table.root[0], table.second_length, table.root_bend);
    }
    for (int r = 0; r < table.n_rows; ++r) {
      const auto& row = table.rows[r];
      bond_and_angle(row.atom, row.bond, row.angle, row.length, row.bend);
      const Point<L> p = get<L>(positions, row.atom), c = get<L>(positions, row.bond), b = get<L>(positions, row.angle),
                     a = get<L>(positions, row.torsion);
      const V z = torsion_coordinate<L>(row, torsion_of<L>(a, b, c, p) + half_opening<L>(row, positions, b, c, p));
      const V by_torsion = L::select((z >= 0) & (z <= 1), z_gradient[row.torsion_dimension], zero) *
                           (1 / (row.torsion_scale * two_pi<L>));
      torsion(row.torsion, row.angle, row.bond, row.atom, by_torsion);
      if (row.fold_atom >= 0) torsion(row.atom, row.angle, row.bond, row.fold_atom, (Scalar)0.5 * by_torsion);
    }
    store_tile<L>(gradient, arguments.positions_gradient, first, n, 3 * table.n_atoms);
  }
}

}  // namespace

void from_cartesian(const FromCartesianArguments<float>& a, int64_t begin, int64_t end, void* scratch) {
  run_from_cartesian(a, begin, end, scratch);
}
void from_cartesian(const FromCartesianArguments<double>& a, int64_t begin, int64_t end, void* scratch) {
  run_from_cartesian(a, begin, end, scratch);
}
void from_cartesian_gradient(const FromCartesianGradientArguments<double>& a, int64_t begin, int64_t end,
                             void* scratch) {
  run_from_cartesian_gradient(a, begin, end, scratch);
}

}  // namespace boltzflow::coordinate_kernels::BOLTZFLOW_SIMD_TARGET
