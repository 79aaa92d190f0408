// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace boltzflow {

/// This returns the 2-Wasserstein distance between two equally large sets of points on a torus, in rad:
///
///     T-W2 = sqrt( min_sigma 1/n sum_i sum_k d(a_ik, b_sigma(i)k)^2 ),   d(s, t) = min(|s - t|, 2 pi - |s - t|)
///
/// over all angles k of a molecule at once (all phi and psi), exactly, by linear_assignment(). It falls with n however
/// alike the sets are: compare values of the same n only, and beside the floor of two reference sets.
/// @param a, b [n_angles] columns of [n] rad, any turn. Memory 4 n^2 bytes; n = 10,000 takes 0.4 GB.
/// @throws InputError if there are no angles or points, columns differ in length, or an angle is not finite.
/// @cite Tan2025 (SBG), with their definition of the metric.
double torus_wasserstein(std::span<const std::vector<double>> a, std::span<const std::vector<double>> b);

}  // namespace boltzflow
