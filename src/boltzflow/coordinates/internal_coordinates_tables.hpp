// SPDX-License-Identifier: MIT
#pragma once

namespace boltzflow {

/// A bond or an angle: value = reference + (z - 0.5) width, z clamped to [lower, upper]; dimension -1 means that the
/// value is the constant `reference`.
template <class Scalar>
struct IntervalCoordinate {
  int dimension;        ///< row of z
  Scalar reference;     ///< nm or rad
  Scalar width;         ///< nm or rad
  Scalar lower, upper;  ///< limits of z: [0, 1], narrower where the value would leave its clamps
  Scalar inverse_width;
  Scalar relative_width;  ///< width / reference
};

/// What every placed atom after the first has beside its bond: an angle, and the sine of the angle at z's limits.
template <class Scalar>
struct AngleCoordinate : IntervalCoordinate<Scalar> {
  Scalar sine_at_lower, sine_at_upper;
};

/// A row of the Z-matrix in placement order. The torsion in turns is torsion_offset + torsion_scale z, and for a folded
/// one less half of z[fold_dimension] - round(z[fold_dimension]), the opening of the other branch's atom `fold_atom`.
template <class Scalar>
struct InternalCoordinatesRow {
  int atom, bond, angle, torsion;
  IntervalCoordinate<Scalar> length;
  AngleCoordinate<Scalar> bend;
  int torsion_dimension;
  Scalar torsion_scale, torsion_offset;
  int fold_dimension, fold_atom;  ///< -1: not folded
  /// 1 where the running product of (d / d_ref)^2 sin a must be turned into a logarithm before it can leave [1e-30,
  /// 1e30].
  int take_logarithm;
};

/// Everything the kernels know of a molecule's internal coordinates. Rows are in placement order.
template <class Scalar>
struct InternalCoordinatesTable {
  int n_atoms, dimension, n_rows;
  int root[3];
  IntervalCoordinate<Scalar> first_length, second_length;
  AngleCoordinate<Scalar> root_bend;
  const InternalCoordinatesRow<Scalar>* rows;
  /// All terms of log|det dx/dz| that do not depend on z, 2 log d_ref of every bond included.
  double log_det_constant;
  Scalar tolerance;             ///< how far z may lie outside its limits by rounding
  Scalar constraint_tolerance;  ///< nm, how far a constrained bond may be off
};

}  // namespace boltzflow
