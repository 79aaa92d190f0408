// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <vector>

#include "boltzflow/coordinates/internal_coordinates.hpp"

namespace boltzflow {

/// This is the distance |a - b|, the angle a-b-c in [0, pi] and the torsion a-b-c-d in (-pi, pi] (IUPAC: positive
/// clockwise seen along b -> c), of atoms in positions [n_atoms, 3].
double distance_between(std::span<const double> positions, int a, int b);
double angle_between(std::span<const double> positions, int a, int b, int c);
double torsion_between(std::span<const double> positions, int a, int b, int c, int d);

/// The coordinate map of InternalCoordinates straight from its equations, one sample at a time, in float64: what the
/// kernels are tested against. Shares with them the definition of the coordinates and nothing else.
class InternalCoordinatesReference {
 public:
  /// @param system the same that `coordinates` was made of.
  InternalCoordinatesReference(const MolecularSystem& system, const InternalCoordinates& coordinates);

  /// z [dimension] -> positions [n_atoms, 3]; returns log|det dx/dz|.
  double to_cartesian(std::span<const double> z, std::span<double> positions) const;
  /// positions [n_atoms, 3] -> z [dimension], clamped; returns log|det dx/dz| at that z.
  double from_cartesian(std::span<const double> positions, std::span<double> z, bool& representable) const;

 private:
  struct Values {
    std::vector<double> bonds, angles, torsions;  // the root's first; nm, rad, rad
  };
  double log_det(const Values& values) const;

  int n_atoms_, dimension_;
  ZMatrix z_matrix_;
  std::vector<int> order_;
  std::vector<TorsionRange> ranges_;
  std::vector<int> folds_;
  Values minimum_;
  std::vector<bool> constrained_;
};

}  // namespace boltzflow
