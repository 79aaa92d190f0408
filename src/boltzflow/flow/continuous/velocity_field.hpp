// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/flow/conditioner_precision.hpp"

namespace boltzflow {

/// This is a time-dependent vector field v(x, t) on R^d with parameters: what a continuous flow integrates and what
/// flow matching trains.
///
/// x is [n, d]; t is [n], a time in [0, 1] for each sample, or [1], the same for all. A new field is zero everywhere
/// (its last layer starts at zero), so that the flow it drives starts as the identity.
class VelocityField {
 public:
  /// A velocity and its divergence at the same points, both without gradients.
  struct WithDivergence {
    at::Tensor velocity;    ///< [n, d]
    at::Tensor divergence;  ///< [n] exact, or [n, n_probes] estimates
  };

  virtual ~VelocityField() = default;
  int dimension() const noexcept { return dimension_; }

  /// v(x, t), [n, d]; differentiable with respect to x and parameters().
  /// @param precision bfloat16: the wide products have bfloat16 operands. Everything else is in the parameters' type;
  ///        split_bfloat16 is float32 here.
  virtual at::Tensor velocity(const at::Tensor& x, const at::Tensor& t, ConditionerPrecision precision) const = 0;

  /// v and div v = sum_i dv_i/dx_i, exact up to rounding, in the parameters' type, without gradients. Fields with a
  /// closed form override it; otherwise d vector-Jacobian products of one forward pass (batching them gains nothing on
  /// a CPU: the work is the same and the cache holds less of it).
  virtual WithDivergence with_exact_divergence(const at::Tensor& x, const at::Tensor& t) const;

  /// v and, for each of m probes e with E[e e'] = 1, the Hutchinson estimate e' (dv/dx) e of the divergence.
  /// Each is unbiased; its variance is 2 sum_{i != j} S_ij^2 with S = (J + J') / 2 for probes of +-1. m products.
  /// @param probes [m, n, d]. @cite Hutchinson1989; Grathwohl2019 (FFJORD) for its use in flows.
  WithDivergence with_estimated_divergence(const at::Tensor& x, const at::Tensor& t, const at::Tensor& probes) const;

  /// Leaf tensors that require gradients, in a fixed order; write them in place.
  const std::vector<at::Tensor>& parameters() const noexcept { return parameters_; }
  virtual std::unique_ptr<VelocityField> copy() const = 0;
  /// Moves everything to a device ("cpu", "cuda:0") or to another floating-point type (tests use float64).
  void to_device(const std::string& device);
  void to_type(at::ScalarType type);

  /// Samples per pass without gradients at which the intermediate values still fit a CPU's caches.
  virtual std::int64_t cpu_batch() const noexcept = 0;

 protected:
  /// An affine map of the last axis: positions of its weight [n_outputs, n_inputs] and bias in parameters_.
  struct AffineMap {
    std::size_t weight = 0, bias = 0;
  };

  explicit VelocityField(int dimension) : dimension_(dimension) {}
  VelocityField(const VelocityField& other);
  VelocityField& operator=(const VelocityField&) = delete;

  std::size_t add_parameter(at::Tensor values);
  /// Weights uniform with variance gain^2 / n_inputs (0: zeros), bias 0.
  AffineMap add_affine(std::int64_t n_inputs, std::int64_t n_outputs, double gain, RandomStream& random);
  at::Tensor apply(const AffineMap& map, const at::Tensor& x, ConditionerPrecision precision) const;
  const at::Tensor& weight(const AffineMap& map) const { return parameters_[map.weight]; }
  const at::Tensor& bias(const AffineMap& map) const { return parameters_[map.bias]; }

  /// Called after a change of device or type, with one of the parameters to match: for constants a field holds.
  virtual void move_constants(const at::Tensor& like) { static_cast<void>(like); }
  /// @throws InputError unless x is [n, d] and t is [n] or [1]. Returns t as a column [n or 1, 1] of x's type.
  at::Tensor checked_time(const at::Tensor& x, const at::Tensor& t) const;

 private:
  int dimension_;
  std::vector<at::Tensor> parameters_;
};

}  // namespace boltzflow
