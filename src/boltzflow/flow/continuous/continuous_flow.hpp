// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <vector>

#include "boltzflow/flow/continuous/continuous_flow_options.hpp"
#include "boltzflow/flow/continuous/velocity_field.hpp"
#include "boltzflow/flow/euclidean_density.hpp"

namespace boltzflow {

/// This is a continuous normalizing flow: samples of the standard normal follow a velocity field from t = 0 to t = 1.
///
///     dx/dt = v(x, t),    log|det dx(1)/dx(0)| = int_0^1 div v(x(t), t) dt
///
/// Both are integrated together by integrate_dormand_prince(), x and log_det in float64, v and div v in the parameters'
/// type; inverse() runs from 1 to 0. On the CPU a batch is cut into blocks of a fixed size that share their steps and
/// are spread over the threads, so results do not depend on the number of threads.
///
/// Not differentiable with respect to parameters() or the argument: train velocity() with flow_matching_loss(). log_det
/// comes in float64. With divergence = "hutchinson", log_det is the mean of n_probes unbiased estimates: exp of it,
/// and weights made from it, are biased upwards by about half its variance; see with_standard_error().
/// Precision bfloat16 is not used here: its rounding exceeds the tolerance, which the step size would chase in vain.
class ContinuousFlow final : public EuclideanDensity {
 public:
  ContinuousFlow(std::unique_ptr<VelocityField> velocity, ContinuousFlowOptions options);

  Mapped forward(const at::Tensor& base, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& z, ConditionerPrecision precision) const override;
  /// forward() without its log_det, at a fraction of the cost (1/d for a field without a closed-form divergence).
  at::Tensor transport(const at::Tensor& base) const;

  enum class Direction { forward, inverse };
  struct MappedWithError {
    at::Tensor x;                    ///< [n, dimension]
    at::Tensor log_det;              ///< [n] float64
    at::Tensor standard_error;       ///< [n] float64, of log_det, over the sample's probes; NaN for a single probe
    std::int64_t n_evaluations = 0;  ///< of the field, mean over blocks, rounded up
  };
  /// Either direction with the Hutchinson estimate's standard error, from the scatter of n_probes independent estimates
  /// (sqrt(variance / n_probes)); zero where the divergence is exact.
  /// Probes are a function of flow.continuous.probe_seed, the row in x and the probe's number.
  MappedWithError with_standard_error(Direction direction, const at::Tensor& x) const;

  const VelocityField& velocity() const noexcept { return *velocity_; }
  const ContinuousFlowOptions& options() const noexcept { return options_; }
  /// For tests and for tighter likelihoods than those the flow was built with.
  void set_tolerances(double absolute, double relative);

  std::vector<at::Tensor> parameters() const override { return velocity_->parameters(); }
  std::unique_ptr<Density> copy() const override;
  void to_device(const std::string& device) override { velocity_->to_device(device); }
  void to_type(at::ScalarType type) { velocity_->to_type(type); }

 private:
  enum class LogDet { none, exact, estimated };
  MappedWithError integrate(Direction direction, const at::Tensor& x, LogDet log_det) const;
  MappedWithError integrate_block(Direction direction, const at::Tensor& x, const at::Tensor& probes,
                                  LogDet log_det) const;
  at::Tensor probes(std::int64_t n_samples) const;
  LogDet log_det_kind() const;

  std::unique_ptr<VelocityField> velocity_;
  ContinuousFlowOptions options_;
};

/// A continuous flow with a new field, which is zero: the identity.
/// @param atom_types [n_atoms] any integers; atoms of one type are interchangeable to an egnn (element and bonded
///        environment make good types). A dit knows each atom by its place. Not used, and may be empty, for two-layer.
/// @param basis undefined where dimension = 3 n_atoms (x, y, z of atom 0, then of atom 1, ...); otherwise
///        [3 n_atoms, dimension] with orthonormal columns, x_full = basis z: a Helmert basis of shape coordinates.
/// @throws ConfigurationError if options.n_heads does not divide options.hidden_width; InputError if dimension, atoms
///         and basis do not fit each other.
ContinuousFlow make_continuous_flow(int dimension, const std::vector<int>& atom_types,
                                    const ContinuousFlowOptions& options, std::uint64_t seed,
                                    const at::Tensor& basis = {});

}  // namespace boltzflow
