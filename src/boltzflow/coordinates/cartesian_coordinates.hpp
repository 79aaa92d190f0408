// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/coordinates/coordinate_map.hpp"

namespace boltzflow {

/// How a flow on Cartesian coordinates deals with the three coordinates of a molecule's centre, on which no energy
/// depends.
enum class CentreOfMass {
  helmert,  ///< left out: the flow lives on the 3N - 3 coordinates of the shape
  noise     ///< kept: the flow lives on all 3N, with an artificial normal distribution of the centre
};

/// "helmert" or "noise". @throws InputError for another word, naming both.
CentreOfMass centre_of_mass(std::string_view word);

/// This maps R^d to the positions of N atoms with their (unweighted) mean at the origin, divided by one length s for
/// all coordinates, and back:
///
///     helmert   d = 3N - 3   x = s B z,                    z = B^T x / s
///     noise     d = 3N       x = s (z - 1 c),  c = mean z;  z = x / s + 1 c,  c ~ N(0, 1_3 / N)
///
/// B [3N, 3N-3] = H x 1_3 has orthonormal columns orthogonal to translations; column k = 1 .. N-1 of H is Helmert's,
/// k entries 1, then -k, then zeros, over sqrt(k (k + 1)). sqrt(N) c is the orthonormal coordinate of the centre,
/// standard normal as a flow's base is.
///
/// log_det = log|det dx/dz| is taken with respect to the volume in which InternalCoordinates has it: d^{3N} x with one
/// atom's d^3 x divided out, and half of the rotations (the literature's internal coordinates count 2 log 2 pi for
/// rotations, whose whole volume is 8 pi^2). With the shape S = B^T x one has d^{3N} x = d^{3N-3} S d^3(sqrt(N) mean) =
/// N^{3/2} d^{3N-3} S d^3 mean, and at a fixed shape all atoms move as the mean does. Hence
///
///     helmert   log_det = (3N - 3) log s + 3/2 log N - log 2
///     noise     log_det = the same + log N(sqrt(N) c; 0, 1_3)
///
/// where the last term turns a density on R^{3N} into one on shapes: for a flow q with any distribution of the
/// centre, E_{z ~ q}[exp(-u(x(z)) + log_det) / q(z)] = Z, so weights are right, and log Z, likelihoods and effective
/// sample sizes compare with those from internal coordinates. They compare over the same set of conformations: a
/// Cartesian flow can reach both mirror images and all namings of equivalent atoms, of which z of InternalCoordinates
/// holds one, and which a flow trained on data populates as its data do.
///
/// z feature-major: row 3 (k - 1) + axis of helmert belongs to column k of H, row 3 i + axis of noise to atom i.
/// Positions [n_samples, N, 3]. Sums run in float64, O(N) per sample: rounding is that of z and x themselves.
/// @cite the centre's noise: Tan, Bose, Lin, Klein, Bronstein & Tong, ICML 2025 (sequential Boltzmann generators);
///       Helmert, Z. Math. Phys. 21 (1876) 192.
class CartesianCoordinates final : public CoordinateMap {
 public:
  /// @param n_atoms N >= 2.
  /// @param scale s, nm; cartesian_scale() of the data.
  /// @throws InputError if n_atoms < 2 or scale is not positive and finite.
  CartesianCoordinates(int n_atoms, double scale, CentreOfMass centre);

  int dimension() const noexcept override { return centre_ == CentreOfMass::helmert ? 3 * n_atoms_ - 3 : 3 * n_atoms_; }
  int configuration_size() const noexcept override { return 3 * n_atoms_; }
  int n_atoms() const noexcept { return n_atoms_; }
  double scale() const noexcept { return scale_; }
  CentreOfMass centre() const noexcept { return centre_; }

  /// z [dimension, n_samples] -> positions [n_samples, N, 3] nm with their mean at the origin, log_det [n_samples].
  /// NaN in a sample's z stays in that sample. @throws InputError if sizes do not fit.
  void to_cartesian(std::span<const float> z, std::span<float> positions, std::span<double> log_det) const override;
  void to_cartesian(std::span<const double> z, std::span<double> positions, std::span<double> log_det) const override;

  /// The inverse, from any placement of the molecule (orientations are kept). With noise the centre is c = 0, the most
  /// probable one; draw_centres() gives it the distribution that the flow is trained with. Positions that are not
  /// finite get z = 0 and representable 0, all others 1.
  void from_cartesian(std::span<const double> positions, std::span<double> z, std::span<double> log_det,
                      std::span<std::uint8_t> representable) const override;

  /// Replaces the centre of every sample of z [dimension, n_samples] by a new draw c ~ N(0, 1_3 / N), and log_det by
  /// that of the new z: log q(z) - log_det then is an estimate whose exponential has the mean q(x), and the draws make
  /// what from_cartesian() gives a sample of what the flow is trained on. Sample i is a function of the stream's next
  /// two words and i alone. With helmert nothing happens, but that the words are drawn.
  void draw_centres(std::span<double> z, std::span<double> log_det, RandomStream& random) const;

  /// dL/dpositions [n_samples, N, 3] and dL/dlog_det [n_samples] at z -> dL/dz [dimension, n_samples].
  void to_cartesian_gradient(std::span<const float> z, std::span<const float> positions_gradient,
                             std::span<const double> log_det_gradient, std::span<float> z_gradient) const override;
  void to_cartesian_gradient(std::span<const double> z, std::span<const double> positions_gradient,
                             std::span<const double> log_det_gradient, std::span<double> z_gradient) const override;

  /// The columns that z stands on: B [3N, 3N-3] row-major for helmert, the unit matrix [3N, 3N] for noise.
  std::vector<double> basis() const;

 private:
  template <class Scalar>
  void positions_from(std::span<const Scalar> z, std::span<Scalar> positions, std::span<double> log_det) const;
  template <class Scalar>
  void gradient_from(std::span<const Scalar> z, std::span<const Scalar> positions_gradient,
                     std::span<const double> log_det_gradient, std::span<Scalar> z_gradient) const;

  int n_atoms_;
  double scale_;
  CentreOfMass centre_;
  double log_det_constant_;
};

/// This is the standard deviation of all coordinates of all frames, each frame centred: the s that gives z the spread
/// of a standard normal.
///
///     s^2 = sum_{n,i} |x_ni - mean_i x_ni|^2 / (3 N n_frames)
///
/// @param positions [n_frames, n_atoms, 3] nm.
/// @throws InputError if there is no frame, the size does not fit, or s is not above 1e-9 nm and finite.
double cartesian_scale(std::span<const double> positions, int n_atoms);

}  // namespace boltzflow
