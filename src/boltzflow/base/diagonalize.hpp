// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>

namespace boltzflow {

/// This diagonalises a symmetric matrix by cyclic Jacobi rotations, which converge quadratically: A = V diag(a) V'.
/// Slower than a library's method for large matrices, O(10 n^3), but the same to the bit on any number of threads, and
/// small eigenvalues are as accurate as large ones where the matrix allows it.
/// @param matrix [n, n] row-major, of which both triangles count; on return its diagonal holds the eigenvalues, in no
///        particular order. @param vectors [n, n]: on return, column k is the unit eigenvector of matrix[k, k].
/// @throws InputError if a size is not n n.
/// @cite Jacobi, J. reine angew. Math. 30 (1846) 51; Golub & Van Loan, Matrix Computations (2013), 8.5.
void diagonalize(std::span<double> matrix, std::span<double> vectors, std::size_t n);

}  // namespace boltzflow
