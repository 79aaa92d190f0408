// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace boltzflow {

/// This returns the Wasserstein distance between two sets of weighted numbers, exactly:
///
///     W_p = ( integral_0^1 |F_a^-1(s) - F_b^-1(s)|^p ds )^(1/p)
///
/// by walking along both quantile functions (Villani2003, Theorem 2.18); nothing is resampled or binned.
///
/// @param a, b [n_a], [n_b], any order. Sorted input costs O(n), other O(n log n).
/// @param weight_a, weight_b as long, >= 0 with any sum, or empty for equal weights. Values of weight zero may be
/// anything but NaN; an infinite value that has a weight makes the distance infinite.
/// @param order p, 1 or 2.
/// @throws InputError if a set is empty, lengths differ, a value or weight is NaN, a weight is negative, all weights of
/// a set are zero, or order is neither 1 nor 2.
double wasserstein_distance(std::span<const double> a, std::span<const double> weight_a, std::span<const double> b,
                            std::span<const double> weight_b, int order);

/// This returns the order that sorts the values: values[order[0]] <= values[order[1]] <= ...
std::vector<std::size_t> sorting_order(std::span<const double> values);

}  // namespace boltzflow
