// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <span>

namespace boltzflow {

/// Rows of a rotation matrix: x' = R x.
using Rotation = std::array<std::array<double, 3>, 3>;

/// The rotation of a unit quaternion (w, x, y, z).
Rotation rotation_of_quaternion(const std::array<double, 4>& quaternion) noexcept;

/// This returns the proper rotation R that brings a frame nearest to a reference, both about their (unweighted) means:
///
///     R = argmin sum_i |R (x_i - mean x) - (y_i - mean y)|^2,   det R = 1
///
/// by Horn's quaternion: the eigenvector of the largest eigenvalue of a symmetric 4 x 4 matrix made of the covariance
/// (Jacobi rotations, float64). A reflection is never used, so mirror images stay what they are. Where several
/// rotations are equally good (atoms on a line), one of them.
/// @param frame,reference [n_atoms, 3], the same unit. @throws InputError if sizes differ, are 0 or no multiple of 3.
/// @cite Horn, J. Opt. Soc. Am. A 4 (1987) 629; the same minimum as Kabsch, Acta Cryst. A 32 (1976) 922.
Rotation best_rotation(std::span<const double> frame, std::span<const double> reference);

/// Turns and shifts every frame, in place, onto the reference.
/// @param positions [n_frames, n_atoms, 3]. @param reference [n_atoms, 3].
/// @param root_mean_square_deviation [n_frames], what is left: sqrt(sum_i |x_i - y_i|^2 / n_atoms); or empty.
/// @throws InputError if sizes do not fit. Parallel over frames.
void align_frames(std::span<double> positions, std::span<const double> reference,
                  std::span<double> root_mean_square_deviation = {});

}  // namespace boltzflow
