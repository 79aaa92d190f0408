// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/continuous/atom_basis.hpp"
#include "boltzflow/flow/continuous/velocity_field.hpp"

namespace boltzflow {

/// This is an E(n)-equivariant graph network on all pairs of atoms: rotating or reflecting x does so to v, moving x
/// leaves v as it is, v has no mean, and atoms of one type may be permuted.
///
///     h_i <- embedding of atom i's type + E f(t)
///     for every layer:
///       m_ij = s(U s(A h_i + B h_j + a d_ij^2 + b D_ij^2 + c)),   m_ij <- m_ij / (1 + exp(-g(m_ij)))     (attention)
///       x_i <- x_i + sum_j (x_i - x_j) / (d_ij + 1)  (15 / n_layers)  tanh(p' s(P m_ij))
///       h_i <- h_i + Q s(R [h_i, 1/N sum_j m_ij])
///     v = (x - x at the start) less its mean over atoms
///
/// with d the present and D the first distances, s(a) = a / (1 + exp(-a)); U, P, Q, R, g are affine. Sums run over all
/// j, i among them: that one moves no atom and adds nothing to what h_i can hold. The last layer has no update of h.
/// @cite Satorras2021 (EGNN); Garcia2021 (flows of it); Klein2023 for Boltzmann generators, whose bounded update this
/// is.
class EgnnVelocity final : public VelocityField {
 public:
  /// @param atom_types [n_atoms], any integers.
  EgnnVelocity(const std::vector<int>& atom_types, AtomBasis basis, int dimension, std::int64_t hidden_width,
               std::int64_t n_layers, std::uint64_t seed);

  at::Tensor velocity(const at::Tensor& x, const at::Tensor& t, ConditionerPrecision precision) const override;
  std::unique_ptr<VelocityField> copy() const override { return std::make_unique<EgnnVelocity>(*this); }
  std::int64_t cpu_batch() const noexcept override { return 32; }

 private:
  struct Layer {
    AffineMap of_receiver, of_sender;    ///< A and c, B
    std::size_t of_distances = 0;        ///< rows a, b: [2, hidden_width]
    AffineMap message, attention;        ///< U, g
    AffineMap coordinate, displacement;  ///< P, p
    AffineMap node_first, node_second;   ///< R, Q
  };
  void move_constants(const at::Tensor& like) override;

  AtomBasis basis_;
  std::vector<Layer> layers_;
  std::size_t embedding_ = 0;
  AffineMap time_;
  at::Tensor type_index_;  ///< [n_atoms], rows of the embedding
};

}  // namespace boltzflow
