// SPDX-License-Identifier: MIT
// z to positions and log|det|, and the reverse pass. An atom P hangs on C (bond), B (angle), A (torsion):
//     b = (C - B) / |C - B|,   n = b x (A - B) / |b x (A - B)|,   m = n x b
//     P = C + d (-cos a b + sin a cos t m + sin a sin t n)
// The reverse pass treats dL/dP as a force F on a body fixed to the frame (b, m, n): F acts on C, and its torque about
// C is carried by B, C (turning b) and by A (turning the frame about b).
#include "boltzflow/coordinates/kernels/geometry-inl.hpp"

namespace boltzflow::coordinate_kernels::BOLTZFLOW_SIMD_TARGET {
namespace {

template <class L>
struct Placement {
  Point<L> b, m, n;
  typename L::Vector inverse_length;   // 1 / |C - B|
  typename L::Vector inverse_lever;    // 1 / |b x (A - B)|, 0 where A, B, C are collinear
  typename L::Vector along;            // (A - B) . b
  typename L::Vector d, sine, cosine;  // bond and angle
  typename L::Vector torsion_sine, torsion_cosine;
};

/// The frame on A, B, C. Where they are collinear to rounding, some frame about b: finite, and no torque reaches A.
template <class L>
BOLTZFLOW_INLINE void build_frame(Point<L> a, Point<L> b, Point<L> c, Placement<L>& p) {
  using S = typename L::Scalar;
  constexpr S collinear = sizeof(S) == 4 ? (S)1e-12 : (S)1e-24, tiny = (S)1e-30;
  const Point<L> bond = c - b, lever = a - b;
  p.inverse_length = L::rsqrt(L::max(L::set(tiny), dot(bond, bond)));
  p.b = scaled(bond, p.inverse_length);
  p.along = dot(lever, p.b);
  const Point<L> normal = cross(p.b, lever);
  const auto size = dot(normal, normal);
  const auto degenerate = size <= collinear * dot(lever, lever) + tiny;
  const auto zero = L::set(0);
  const Point<L> beside_x{zero, p.b.z, -p.b.y}, beside_y{-p.b.z, zero, p.b.x};
  const Point<L> substitute = select<L>(L::abs(p.b.x) < (S)0.7, beside_x, beside_y);
  const Point<L> chosen = select<L>(degenerate, substitute, normal);
  const auto inverse = L::rsqrt(L::max(L::set(tiny), dot(chosen, chosen)));
  p.inverse_lever = L::select(degenerate, zero, inverse);
  // Near collinearity rounding leaves a part of n along b, which would change bond and angle: take it out.
  p.n = scaled(chosen, inverse);
  p.n = p.n - scaled(p.b, dot(p.n, p.b));
  p.m = cross(p.n, p.b);
}

/// t in turns; sine and cosine of 2 pi t - pi.
template <class L>
BOLTZFLOW_INLINE void torsion_sincos(const InternalCoordinatesRow<typename L::Scalar>& row, const Columns<L>& columns,
                                     typename L::Vector& sine, typename L::Vector& cosine) {
  using S = typename L::Scalar;
  const auto z = columns[row.torsion_dimension];
  const auto wrapped = L::select((z < 0) | (z > 1), z - L::floor(z), z);
  auto turns = row.torsion_offset + row.torsion_scale * wrapped;
  if (row.fold_dimension >= 0) {
    const auto other = columns[row.fold_dimension];
    turns = turns - (S)0.5 * (other - L::floor(other + (S)0.5));
  }
  L::sincos_turns(turns, sine, cosine);
  sine = -sine, cosine = -cosine;
}

template <class L>
BOLTZFLOW_INLINE typename L::Vector value_of(const IntervalCoordinate<typename L::Scalar>& c, const Columns<L>& z,
                                             typename L::Vector& relative) {
  using S = typename L::Scalar;
  if (c.dimension < 0) {
    relative = L::set(1);
    return L::set(c.reference);
  }
  const auto shift = limited<L>(c, z[c.dimension]) - (S)0.5;
  relative = (S)1 + shift * c.relative_width;
  return c.reference + shift * c.width;
}

template <class L>
struct Roots {
  typename L::Vector d01, d12, sine, cosine;
};

/// Places every atom of a tile; keeps each row's geometry where `kept` is given.
template <class L, bool keep>
BOLTZFLOW_INLINE Roots<L> place(const InternalCoordinatesTable<typename L::Scalar>& table, const Columns<L>& z,
                                typename L::Vector* positions, Placement<L>* kept, LogVolume<L>& volume) {
  using V = typename L::Vector;
  const V zero = L::set(0);
  Roots<L> root;
  V relative, ignored;
  root.d01 = value_of<L>(table.first_length, z, relative);
  volume.multiply(relative, L::set(1));
  root.d12 = value_of<L>(table.second_length, z, relative);
  L::sincos(value_of<L>(table.root_bend, z, ignored), root.sine, root.cosine);
  volume.multiply(relative, root.sine);
  put<L>(positions, table.root[0], {zero, zero, zero});
  put<L>(positions, table.root[1], {root.d01, zero, zero});
  put<L>(positions, table.root[2], {root.d01 - root.d12 * root.cosine, root.d12 * root.sine, zero});
  for (int r = 0; r < table.n_rows; ++r) {
    const auto& row = table.rows[r];
    Placement<L> p;
    const Point<L> c = get<L>(positions, row.bond);
    build_frame<L>(get<L>(positions, row.torsion), get<L>(positions, row.angle), c, p);
    p.d = value_of<L>(row.length, z, relative);
    L::sincos(value_of<L>(row.bend, z, ignored), p.sine, p.cosine);
    torsion_sincos<L>(row, z, p.torsion_sine, p.torsion_cosine);
    const V across = p.d * p.sine;
    put<L>(positions, row.atom,
           c + scaled(p.b, -p.d * p.cosine) + scaled(p.m, across * p.torsion_cosine) +
               scaled(p.n, across * p.torsion_sine));
    volume.multiply(relative, p.sine);
    if (row.take_logarithm) volume.take_logarithm();
    if constexpr (keep) kept[r] = p;
  }
  if (table.n_rows == 0) volume.take_logarithm();
  return root;
}

template <class Scalar>
void run_to_cartesian(const ToCartesianArguments<Scalar>& arguments, int64_t begin, int64_t end, void* scratch) {
  using L = Lanes<Scalar>;
  const auto& table = *arguments.table;
  auto* positions = (typename L::Vector*)scratch;
  auto* copy = positions + 3 * table.n_atoms;
  for (int64_t first = begin; first < end; first += L::count) {
    const int n = (int)(end - first < L::count ? end - first : L::count);
    const auto z = columns<L>(arguments.z, arguments.n_samples, first, n, table.dimension, copy);
    LogVolume<L> volume;
    place<L, false>(table, z, positions, nullptr, volume);
    store_tile<L>(positions, arguments.positions, first, n, 3 * table.n_atoms);
    store_log_det<L>(arguments.log_det, first, n, volume.sum, table.log_det_constant);
  }
}

template <class Scalar>
void run_to_cartesian_gradient(const ToCartesianGradientArguments<Scalar>& arguments, int64_t begin, int64_t end,
                               void* scratch) {
  using L = Lanes<Scalar>;
  using V = typename L::Vector;
  const auto& table = *arguments.table;
  auto* positions = (V*)scratch;
  auto* force = positions + 3 * table.n_atoms;
  auto* copy = force + 3 * table.n_atoms;
  auto* kept = (Placement<L>*)(copy + table.dimension);
  const V zero = L::set(0);
  for (int64_t first = begin; first < end; first += L::count) {
    const int n = (int)(end - first < L::count ? end - first : L::count);
    const auto z = columns<L>(arguments.z, arguments.n_samples, first, n, table.dimension, copy);
    LogVolume<L> volume;
    const Roots<L> root = place<L, true>(table, z, positions, kept, volume);
    load_tile<L>(arguments.positions_gradient, first, n, 3 * table.n_atoms, force);
    const V log_det_gradient = load_doubles<L>(arguments.log_det_gradient, first, n);
    auto write = [&](const IntervalCoordinate<Scalar>& c, V gradient) __attribute__((always_inline)) {
      if (c.dimension < 0) return;
      store_column<L>(arguments.z_gradient, arguments.n_samples, first, n, c.dimension,
                      L::select(inside<L>(c, z[c.dimension]), gradient * c.width, zero));
    };
    for (int r = table.n_rows - 1; r >= 0; --r) {
      const auto& row = table.rows[r];
      const Placement<L>& p = kept[r];
      const Point<L> f = get<L>(force, row.atom);
      const V fb = dot(f, p.b), fm = dot(f, p.m), fn = dot(f, p.n);
      const V radial = p.torsion_cosine * fm + p.torsion_sine * fn,
              tangential = p.torsion_cosine * fn - p.torsion_sine * fm;
      write(row.length, p.sine * radial - p.cosine * fb + 2 * log_det_gradient / p.d);
      write(row.bend, p.d * (p.sine * fb + p.cosine * radial) + log_det_gradient * p.cosine / p.sine);
      // The torque of f about C in the frame; its part along b is the gradient of the torsion.
      const V across = p.d * p.sine, torque_b = across * tangential;
      store_column<L>(arguments.z_gradient, arguments.n_samples, first, n, row.torsion_dimension,
                      torque_b * (row.torsion_scale * two_pi<L>));
      if (row.fold_dimension >= 0)  // that branch was placed after this one, so its gradient is there already
        add_column<L>(arguments.z_gradient, arguments.n_samples, first, n, row.fold_dimension,
                      torque_b * ((Scalar)-0.5 * two_pi<L>));
      const V rb = -p.d * p.cosine, rm = across * p.torsion_cosine, rn = across * p.torsion_sine;
      const V torque_m = rn * fb - rb * fn, torque_n = rb * fm - rm * fb;
      const Point<L> on_a = scaled(p.n, torque_b * p.inverse_lever);
      const Point<L> turn = scaled(p.m, torque_n * p.inverse_length) -
                            scaled(p.n, (torque_m + torque_b * p.along * p.inverse_lever) * p.inverse_length);
      add<L>(force, row.torsion, on_a);
      add<L>(force, row.angle, Point<L>{zero, zero, zero} - on_a - turn);
      add<L>(force, row.bond, f + turn);
    }
    const Point<L> f1 = get<L>(force, table.root[1]), f2 = get<L>(force, table.root[2]);
    write(table.first_length, f1.x + f2.x + 2 * log_det_gradient / root.d01);
    write(table.second_length, root.sine * f2.y - root.cosine * f2.x + 2 * log_det_gradient / root.d12);
    write(table.root_bend,
          root.d12 * (root.sine * f2.x + root.cosine * f2.y) + log_det_gradient * root.cosine / root.sine);
  }
}

}  // namespace

void to_cartesian(const ToCartesianArguments<float>& a, int64_t begin, int64_t end, void* scratch) {
  run_to_cartesian(a, begin, end, scratch);
}
void to_cartesian(const ToCartesianArguments<double>& a, int64_t begin, int64_t end, void* scratch) {
  run_to_cartesian(a, begin, end, scratch);
}
void to_cartesian_gradient(const ToCartesianGradientArguments<float>& a, int64_t begin, int64_t end, void* scratch) {
  run_to_cartesian_gradient(a, begin, end, scratch);
}
void to_cartesian_gradient(const ToCartesianGradientArguments<double>& a, int64_t begin, int64_t end, void* scratch) {
  run_to_cartesian_gradient(a, begin, end, scratch);
}

}  // namespace boltzflow::coordinate_kernels::BOLTZFLOW_SIMD_TARGET
