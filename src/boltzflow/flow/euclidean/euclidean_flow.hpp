// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "boltzflow/flow/euclidean/euclidean_flow_options.hpp"
#include "boltzflow/flow/euclidean/euclidean_transform.hpp"
#include "boltzflow/flow/euclidean/flow_tensors.hpp"
#include "boltzflow/flow/euclidean_density.hpp"

namespace boltzflow {

using EuclideanTransforms = std::vector<std::unique_ptr<EuclideanTransform>>;

/// A normalizing flow on R^d: the image of the standard normal under a chain of transforms, first to last when forward.
/// The identity at initialisation; finite for every finite point up to 1e6 at least.
///
/// Parameters are float32 leaves, one per weight matrix and bias. LibTorch's own threads should be off,
/// at::set_num_threads(1): passes without gradients share batches among parallel_for's threads.
/// split_bfloat16 is float32 here. Every precision is a bijection of its own: sample and evaluate in the same one.
class EuclideanFlow final : public EuclideanDensity {
 public:
  /// @param transforms built from `tensors`. @param options of which make_euclidean_flow() makes an equal chain.
  EuclideanFlow(int dimension, EuclideanFlowOptions options, EuclideanTransforms transforms, FlowTensors tensors);

  Mapped forward(const at::Tensor& base, ConditionerPrecision precision) const override;
  Mapped inverse(const at::Tensor& z, ConditionerPrecision precision) const override;

  std::vector<at::Tensor> parameters() const override { return tensors_.parameters(); }
  std::unique_ptr<Density> copy() const override;
  void to_device(const std::string& device) override;
  /// Converts the parameters, and with them all passes, to float32 or float64. Gradients are forgotten.
  void to_type(at::ScalarType type);
  /// With the architecture's defaults filled in.
  const EuclideanFlowOptions& options() const noexcept { return options_; }

 protected:
  /// Shared among parallel_for's threads where the flow is on the CPU.
  void in_batches(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) const override;

 private:
  EuclideanFlowOptions options_;
  EuclideanTransforms transforms_;
  FlowTensors tensors_;
  Mapped map(const at::Tensor& x, ConditionerPrecision precision, bool inverse) const;
};

/// One architecture: a row of the table that everything about them reads.
struct EuclideanFlowEntry {
  std::string name;
  std::string description;
  std::int64_t n_layers, hidden_width, n_hidden_layers, n_heads;  ///< defaults, sized for a CPU
  /// @param options checked, defaults filled in.
  EuclideanTransforms (*make)(int dimension, const EuclideanFlowOptions& options, FlowTensors& tensors);
};
std::span<const EuclideanFlowEntry> euclidean_flows();

/// A flow of `dimension` coordinates, the identity, its random weights drawn from the seed. Three coordinates in a row
/// are an atom's where an architecture asks.
/// @throws ConfigurationError, a line for every setting that is wrong; InputError if dimension < 2.
std::unique_ptr<EuclideanFlow> make_euclidean_flow(int dimension, const EuclideanFlowOptions& options,
                                                   std::uint64_t initialization_seed);

}  // namespace boltzflow
