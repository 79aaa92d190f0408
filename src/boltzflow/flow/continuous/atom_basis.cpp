// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/atom_basis.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {

AtomBasis::AtomBasis(int dimension, std::int64_t n_atoms, const at::Tensor& basis) : n_atoms_(n_atoms) {
  if (!basis.defined()) {
    if (dimension != 3 * n_atoms || n_atoms < 1)
      throw InputError(fmt::format("a velocity network of {} atoms has {} coordinates, the flow has {} dimensions",
                                   n_atoms, 3 * n_atoms, dimension));
    return;
  }
  if (basis.dim() != 2 || basis.size(0) != 3 * n_atoms || basis.size(1) != dimension)
    throw InputError(fmt::format("the basis of a flow of {} dimensions on {} atoms must be [{}, {}]; it has {} values",
                                 dimension, n_atoms, 3 * n_atoms, dimension, basis.numel()));
  const at::Tensor exact = basis.to(at::kDouble);
  const double error = (at::mm(exact.t(), exact) - at::eye(dimension, exact.options())).abs().max().item<double>();
  if (!(error < 1e-4))
    throw InputError(
        fmt::format("the basis of a flow must have orthonormal columns; B'B differs from 1 by {:.2g}", error));
  basis_ = exact.to(at::kFloat).contiguous();
}

at::Tensor AtomBasis::to_atoms(const at::Tensor& z) const {
  return (basis_.defined() ? at::mm(z, basis_.t()) : z).reshape({z.size(0), n_atoms_, 3});
}

at::Tensor AtomBasis::from_atoms(const at::Tensor& x) const {
  const at::Tensor flat = x.reshape({x.size(0), 3 * n_atoms_});
  return basis_.defined() ? at::mm(flat, basis_) : flat;
}

void AtomBasis::move(const at::Tensor& like) {
  if (basis_.defined()) basis_ = basis_.to(like.device(), like.scalar_type());
}

}  // namespace boltzflow
