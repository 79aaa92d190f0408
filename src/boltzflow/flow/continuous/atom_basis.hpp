// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace boltzflow {

/// How a flow's coordinates z [n, d] are the coordinates of atoms [n, n_atoms, 3]: as they stand, or by an orthogonal
/// basis of a subspace (a Helmert basis leaves the centre out).
class AtomBasis {
 public:
  /// @param basis undefined: dimension = 3 n_atoms; otherwise [3 n_atoms, dimension], orthonormal columns.
  /// @throws InputError if the sizes do not fit or the columns are not orthonormal to 1e-4.
  AtomBasis(int dimension, std::int64_t n_atoms, const at::Tensor& basis);

  std::int64_t n_atoms() const noexcept { return n_atoms_; }
  /// basis z, [n, n_atoms, 3].
  at::Tensor to_atoms(const at::Tensor& z) const;
  /// basis' x, [n, d]: of a vector per atom, such as a velocity.
  at::Tensor from_atoms(const at::Tensor& x) const;
  void move(const at::Tensor& like);

 private:
  std::int64_t n_atoms_;
  at::Tensor basis_;
};

}  // namespace boltzflow
