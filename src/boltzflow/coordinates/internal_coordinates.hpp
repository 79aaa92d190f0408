// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/coordinates/coordinate_map.hpp"
#include "boltzflow/molecule/molecular_system.hpp"

namespace boltzflow {

template <class Scalar>
struct InternalCoordinatesTable;

enum class CoordinateKind { bond, angle, torsion };

/// One dimension of a flow's domain, [0, 1]: an interval (bonds and angles) or a circle (torsions).
struct CoordinateDimension {
  CoordinateKind kind;
  std::string name;  ///< "torsion C-N-CA-C of ALA 2" or atom indices where there are no names
  int atom;          ///< the atom that this coordinate places
  bool circular() const { return kind == CoordinateKind::torsion; }
};

/// Which half of the circle a torsion is confined to; see InternalCoordinates.
enum class TorsionRange {
  full,
  lower_half,  ///< (-pi, 0)
  upper_half,  ///< (0, pi)
  front_half,  ///< (-pi/2, pi/2)
  back_half    ///< (pi/2, 3 pi/2)
};

/// This maps normalised internal coordinates z in [0,1]^d to Cartesian positions and back, with log|det dx/dz|.
///
/// Order of z: bonds [d(root0,root1), d(root1,root2), rows ...], angles [root0-root1-root2, rows ...], torsions [rows
/// ...], rows in Z-matrix order. With b_min, a_min of the reference structure (TA-BG's IC scaler):
///     bond    = (z - 0.5) 0.07 nm + b_min          angle = (z - 0.5) 1.8 rad + a_min
///     torsion = 2 pi t - pi;  t = z (full), t_0 + 0.5 z (half circle: lower t_0 = 0, front 0.25, upper 0.5, back 0.75)
/// Confined torsions keep chirality (HA above CA-N-C) and the names of equivalent atoms, see docs/coordinates.md.
/// A folded one is the torsion of a planar group with two equivalent branches (phenyl): with w the torsion of the
/// second branch's atom relative to the first's, less pi, in (-pi, pi],
///     torsion = 2 pi t - pi - w / 2
/// so that exchanging the branches' names adds pi to 2 pi t exactly, and z holds either naming of a conformation once.
/// The first root atom sits at the origin, the second on +x, the third in the x-y plane with y > 0. Bonds under a
/// DistanceConstraint are constants and no dimension of z (their 2 log d stays in the log-determinant).
///
///     log|det dx/dz| = sum_rows [2 log d + log sin a] + 2 log d01 + 2 log d12 + log sin a012
///                      + (N-2) log pi + (N-3) log 2 pi + 2 log 2 pi                        (normalised angles)
///                      + n_bonds log 0.07 + n_angles log(1.8/pi) - n_confined log 2
///
/// where the rotation's volume (2 log 2 pi) is included as in the literature, so that log Z is comparable.
///
/// Feature-major: z is [dimension, n_samples], samples contiguous; positions [n_samples, n_atoms, 3]. Never NaN for
/// finite z: lengths are clamped to >= 1e-6 nm, angles to [1e-3, pi - 1e-3] rad, with gradient 0 and the clamped
/// value's log_det. float32: positions 1e-7 nm rms (1e-5 where references are near one line), log_det 2e-6.
class InternalCoordinates final : public CoordinateMap {
 public:
  /// @param system needs positions (the reference structure) and a bond graph; its z_matrix is used where it has one,
  ///        else one is built from the bond graph.
  /// @throws InputError if an atom is never placed or placed twice, or the reference structure is degenerate.
  explicit InternalCoordinates(const MolecularSystem& system);

  int dimension() const noexcept override { return static_cast<int>(dimensions_.size()); }
  int configuration_size() const noexcept override { return 3 * n_atoms_; }
  int n_atoms() const noexcept { return n_atoms_; }
  const std::vector<CoordinateDimension>& dimensions() const noexcept { return dimensions_; }
  const ZMatrix& z_matrix() const noexcept { return z_matrix_; }
  const std::vector<TorsionRange>& torsion_ranges() const noexcept;  ///< one per row
  const std::vector<int>& torsion_folds()
      const noexcept;  ///< per row the row of the other branch where folded, else -1

  /// z [dimension, n_samples] -> positions [n_samples, n_atoms, 3] nm and log_det [n_samples] = log|det dx/dz|.
  /// Values of z outside [0,1] are clamped (interval) or wrapped (circle). @throws InputError if sizes do not fit.
  void to_cartesian(std::span<const float> z, std::span<float> positions, std::span<double> log_det) const override;
  void to_cartesian(std::span<const double> z, std::span<double> positions, std::span<double> log_det) const override;

  /// The inverse, with log_det [n_samples] = log|det dx/dz| at that point (not of the inverse). A conformation that z
  /// cannot represent (the wrong chirality or hydrogen labels, a bond or angle out of range) gets z as far as it goes,
  /// clamped, and representable[n] = 0; else 1. Any rigid placement is accepted; rounding is forgiven.
  void from_cartesian(std::span<const double> positions, std::span<double> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const override;
  void from_cartesian(std::span<const float> positions, std::span<float> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const;

  /// Vector-Jacobian products. Given dL/dpositions and dL/dlog_det at z, writes dL/dz [dimension, n_samples].
  void to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                             std::span<const double> log_det_gradient, std::span<float> z_gradient) const override;
  void to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                             std::span<const double> log_det_gradient, std::span<double> z_gradient) const override;
  /// Given dL/dz and dL/dlog_det at positions, writes dL/dpositions.
  void from_cartesian_gradient(std::span<const double> positions, std::span<const double> z_gradient,
                               std::span<const double> log_det_gradient, std::span<double> positions_gradient) const;

  /// Exchanges the names of equivalent atoms in every frame, in place, into those that z represents: hydrogens, methyl
  /// groups of LEU and VAL, the sides of rings, NH1 and NH2 of ARG. Never mends chirality.
  void relabel_equivalent_atoms(std::span<double> positions) const override;

  /// The map as flat tables, rows in placement order; for the kernels and the composite tensor version.
  const InternalCoordinatesTable<double>& table() const noexcept;

 private:
  struct Tables;
  int n_atoms_ = 0;
  ZMatrix z_matrix_;
  std::vector<CoordinateDimension> dimensions_;
  std::shared_ptr<const Tables> tables_;  ///< never changes, so copies share it
};

}  // namespace boltzflow
