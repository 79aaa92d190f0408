// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "boltzflow/flow/conditioner_engine.hpp"

namespace boltzflow {

/// One way to compute a conditioner; see ConditionerEngine, whose functions these are.
class ConditionerPath {
 public:
  virtual ~ConditionerPath() = default;
  virtual void prepare(const float* parameters, ConditionerPrecision precision, bool with_backward) = 0;
  virtual void parameters_changed() noexcept = 0;
  virtual std::int64_t activation_bytes(ConditionerPrecision precision, int n_samples) const = 0;
  virtual void forward(ConditionerPrecision precision, int n_samples, const float* inputs, float* outputs,
                       std::byte* activations) const = 0;
  virtual bool recomputes_outputs(ConditionerPrecision) const noexcept { return false; }
  virtual void recompute_outputs(ConditionerPrecision, int, const std::byte*, float*) const {}
  virtual void backward(ConditionerPrecision precision, int n_samples, const std::byte* activations,
                        const float* output_gradients, float* input_gradients, float* gradient_sums,
                        bool overwrite) const = 0;
};

/// Products of a library: float32, and bfloat16 where the CPU has it. The spans must outlive the path.
std::unique_ptr<ConditionerPath> make_library_path(std::span<const LinearLayout> layout,
                                                   std::span<const LinearGradientSums> sums);
/// AMX tiles: bfloat16, and split_bfloat16 forward.
std::unique_ptr<ConditionerPath> make_tile_path(std::span<const LinearLayout> layout,
                                                std::span<const LinearGradientSums> sums);

/// This thread's working memory of at least n_bytes on a 64-byte boundary; the next call by this thread may move it.
std::byte* conditioner_workspace(std::size_t n_bytes);

}  // namespace boltzflow
