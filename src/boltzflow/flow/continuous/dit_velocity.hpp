// SPDX-License-Identifier: MIT
#pragma once
#include <vector>

#include "boltzflow/flow/continuous/atom_basis.hpp"
#include "boltzflow/flow/continuous/velocity_field.hpp"

namespace boltzflow {

/// This is a diffusion transformer: a token per atom, attention between all of them, and the time through adaptive
/// layer norms whose gates start at zero (adaLN-zero). Not equivariant: train it on randomly rotated configurations.
///
///     y_i = E x_i + e_i,    c = s(C_2 s(C_1 f(t)))
///     for every layer, with (shift, scale, gate) of each half an affine map of c that starts at zero:
///       y <- y + gate_1 attention(norm(y) (1 + scale_1) + shift_1)
///       y <- y + gate_2 M_2 gelu(M_1 (norm(y) (1 + scale_2) + shift_2))                   M_1 four times as wide
///     v_i = O (norm(y_i) (1 + scale) + shift)
///
/// e_i is learned for each atom; norm is the layer norm without parameters; s(a) = a / (1 + exp(-a)).
/// @cite Peebles2023, "Scalable diffusion models with transformers".
class DitVelocity final : public VelocityField {
 public:
  /// @throws ConfigurationError unless n_heads divides width.
  DitVelocity(AtomBasis basis, int dimension, std::int64_t width, std::int64_t n_layers, std::int64_t n_heads,
              std::uint64_t seed);

  at::Tensor velocity(const at::Tensor& x, const at::Tensor& t, ConditionerPrecision precision) const override;
  std::unique_ptr<VelocityField> copy() const override { return std::make_unique<DitVelocity>(*this); }
  std::int64_t cpu_batch() const noexcept override { return 64; }

 private:
  struct Layer {
    AffineMap modulation;  ///< to shift_1, scale_1, gate_1, shift_2, scale_2, gate_2
    AffineMap queries_keys_values, attended;
    AffineMap wide, narrow;  ///< M_1, M_2
  };
  at::Tensor attention(const Layer& layer, const at::Tensor& y, ConditionerPrecision precision) const;
  void move_constants(const at::Tensor& like) override { basis_.move(like); }

  AtomBasis basis_;
  std::int64_t width_, n_heads_;
  AffineMap input_, time_first_, time_second_, last_modulation_, output_;
  std::size_t of_atom_ = 0;  ///< e, [n_atoms, width]
  std::vector<Layer> layers_;
};

}  // namespace boltzflow
