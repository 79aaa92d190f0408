// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "boltzflow/coordinates/coordinate_map.hpp"

namespace boltzflow {

/// This maps R^(3N-6) to the conformations of N atoms in the frame that aligns them to a reference r (Kabsch), with the
/// exact Jacobian of taking the rotations out.
///
///     x = r + C z,   z = C^T (R(x) x - r)
///
/// for centred x and r, with R(x) the rotation of best_rotation(). A centred frame s is aligned, R(s) = 1, if and only
/// if sum_i r_i x s_i = 0 (Eckart's condition, which is linear in s) and
///
///     K(s) = tr(H) 1 - H,   H = sum_i s_i r_i^T
///
/// is positive definite. The columns of C [3N, 3N-6] are an orthonormal basis of the centred s with sum_i r_i x s_i =
/// 0, so aligned frames are an open part of R^(3N-6), and Euclidean distances are those of the aligned atoms. z beyond
/// it (det K vanishes on the border) is a frame that from_cartesian() turns, and so gives another z: that tells them
/// apart.
///
/// With S = R^T s and rotations measured by d^3 omega (8 pi^2 in all), d^(3N-3) S = J(s) d^(3N-6) z d^3 omega, where
/// J is the volume of the rotations' directions e_a x s_i on the slice's normals e_a x r_i:
///
///     J(s) = |det K(s)| / sqrt(det K(r))
///
/// log_det = log|det dx/dz| with respect to the volume in which InternalCoordinates and CartesianCoordinates have it:
/// log J + 2 log 2 pi + 3/2 log N; -infinity beyond the domain, so that no conformation is counted twice.
///
/// The columns may be scaled, and turned among each other: with those of whitened(), z has the mean 0 and the
/// covariance 1 over a set of frames, and log_det has the sum of the columns' log|a_k| more.
/// z is feature-major and in nm over the columns' length, positions [n_samples, N, 3]; float64 inside. @cite Eckart,
/// Phys. Rev. 47 (1935) 552; Kabsch, Acta Cryst. A 32 (1976) 922.
class AlignedCoordinates final : public CoordinateMap {
 public:
  /// @param reference [N, 3] nm, N >= 3, not on one line. @throws InputError otherwise.
  explicit AlignedCoordinates(std::vector<double> reference);
  /// @param columns [3N-6, 3N], one after the other: orthogonal to each other, and to all translations and rotations of
  ///        the reference, but of any length. @throws InputError if they are not, to 1e-6 of their length.
  AlignedCoordinates(std::vector<double> reference, std::vector<double> columns);
  /// About the mean structure of the frames (at most 20,000 of them, evenly spread), with their principal axes for
  /// columns, each as long as the standard deviation along it: PCA-whitened aligned frames. Deviations below 1e-4 nm,
  /// which directions that hardly move have, are taken for that.
  /// @param positions [n_frames, n_atoms, 3] nm. @throws InputError as mean_structure() and the constructor do.
  static AlignedCoordinates whitened(std::span<const double> positions, int n_atoms);

  int dimension() const noexcept override { return 3 * n_atoms_ - 6; }
  int configuration_size() const noexcept override { return 3 * n_atoms_; }
  std::span<const double> reference() const noexcept { return reference_; }
  std::span<const double> columns() const noexcept { return columns_; }

  /// z [dimension, n_samples] -> positions [n_samples, N, 3] with their mean at the origin, log_det [n_samples].
  void to_cartesian(std::span<const float> z, std::span<float> positions, std::span<double> log_det) const override;
  void to_cartesian(std::span<const double> z, std::span<double> positions, std::span<double> log_det) const override;
  /// The inverse, from any placement. Positions that are not finite get z = 0 and representable 0, all others 1.
  void from_cartesian(std::span<const double> positions, std::span<double> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const override;
  void to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                             std::span<const double> log_det_gradient, std::span<float> z_gradient) const override;
  void to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                             std::span<const double> log_det_gradient, std::span<double> z_gradient) const override;

 private:
  double log_det_at(std::span<const double> aligned) const;
  /// r + A z of one sample.
  void place(std::span<const double> z, std::size_t sample, std::size_t n_samples, std::span<double> frame) const;

  int n_atoms_;
  std::vector<double> reference_;  ///< [N, 3] centred
  std::vector<double> columns_;    ///< A^T [3N-6, 3N]
  std::vector<double> squares_;    ///< |a_k|^2
  double log_det_constant_;
};

/// This returns a structure in the middle of sets of frames, each set with the same weight: their mean after alignment
/// to it, by repeated alignment from the first frame on. [n_atoms, 3] nm, centred.
/// @param sets each [n_frames, n_atoms, 3] nm. @throws InputError if a set is empty or a size does not fit.
std::vector<double> mean_structure(std::initializer_list<std::span<const double>> sets, int n_atoms);

}  // namespace boltzflow
