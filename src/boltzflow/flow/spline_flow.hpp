// SPDX-License-Identifier: MIT
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "boltzflow/flow/density.hpp"

namespace boltzflow {

/// One dimension of the flow's domain [0,1]: circular dimensions have a uniform base, the others a normal with mean 0.5
/// and standard deviation 0.1 truncated to [0,1].
struct FlowDimension {
  bool circular;
  int field;  ///< dimensions of one field (bonds, angles, torsions) are split evenly between the halves of a coupling
              ///< pair
  int level;  ///< for hierarchical masking: distance from the root of the placed atom; 0 otherwise
};

struct SplineFlowOptions {
  std::int64_t n_couplings = 16;  ///< even; in pairs that transform complementary halves
  std::int64_t n_bins = 8;        ///< [2, 64]
  std::int64_t hidden_width = 256;
  std::int64_t n_hidden_layers = 5;  ///< hidden layers of `hidden_width` units each, ReLU
  std::string masking = "random";    ///< "random" or "hierarchical"
  std::int64_t mask_seed = 321;
  double minimum_bin_size = 1e-3;  ///< of widths, heights
  double minimum_slope = 1e-3;
};

/// This is a normalizing flow on a product of intervals and circles [0,1]^d: coupling layers with rational-quadratic
/// splines (Durkan2019; circular after Rezende2020) whose parameters a multilayer perceptron computes from the other
/// half.
///
/// forward maps base -> z (sampling), inverse maps z -> base (density). log_det is always that of the direction called.
/// The flow is the identity at initialisation. Samples are [n_samples, dimension] at this interface, any device;
/// inside, CPU passes are feature-major in blocks of samples over fused kernels, one autograd node per coupling layer;
/// other devices and use_composite(true) use plain tensor operations, which are also the reference the kernels are
/// tested against.
///
/// The kernels share work between threads of their own (set_thread_count). LibTorch's should be off,
/// at::set_num_threads(1): after every operation they keep spinning on the cores that the kernels want.
class SplineFlow final : public Density {
 public:
  SplineFlow(std::vector<FlowDimension> dimensions, SplineFlowOptions options, std::uint64_t initialization_seed);
  ~SplineFlow() override;
  SplineFlow(SplineFlow&&) noexcept;
  SplineFlow& operator=(SplineFlow&&) noexcept;

  Mapped forward(const at::Tensor& base, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& z, ConditionerPrecision precision) const override;
  Sample sample(std::int64_t n_samples, RandomStream& random, ConditionerPrecision precision) const override;
  at::Tensor log_prob_no_grad(const at::Tensor& z, ConditionerPrecision precision) const override;
  at::Tensor base_log_prob(const at::Tensor& x) const override;
  at::Tensor base_sample(std::int64_t n_samples, RandomStream& random) const override;

  /// One flat float32 tensor per coupling layer.
  std::vector<at::Tensor> parameters() const override;
  void parameters_changed() const override;
  SplineFlow clone() const;
  std::unique_ptr<Density> copy() const override { return std::make_unique<SplineFlow>(clone()); }
  void to_device(const std::string& device) override;
  /// Makes CPU passes use plain tensor operations too (tests, debugging).
  void use_composite(bool composite);

  int dimension() const noexcept override;
  const SplineFlowOptions& options() const noexcept;
  const std::vector<FlowDimension>& dimensions() const noexcept;

 private:
  struct Implementation;
  explicit SplineFlow(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace boltzflow
