// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/flow/conditioner_precision.hpp"

namespace boltzflow {

/// A multilayer perceptron: n_inputs -> hidden_width (n_hidden_layers times, ReLU after each) -> n_outputs (linear).
struct ConditionerShape {
  int n_inputs;
  int hidden_width;
  int n_hidden_layers;
  int n_outputs;
};

/// One linear map y = W x + b and where its values lie in the flat parameter vector: W [n_outputs][n_inputs] row-major
/// from weight_offset, b [n_outputs] from bias_offset.
struct LinearLayout {
  int n_inputs;
  int n_outputs;
  std::int64_t weight_offset;
  std::int64_t bias_offset;
};

/// The linear maps of a conditioner, first to last, without gaps: W_0, b_0, W_1, b_1, ...
std::vector<LinearLayout> conditioner_layout(const ConditionerShape& shape);

class ConditionerPath;

/// Where one linear map's gradient sums lie: weights [padded outputs][padded inputs] from weight_offset, biases
/// [padded outputs] from bias_offset; sizes are padded to multiples of 32.
struct LinearGradientSums {
  int padded_inputs;
  int padded_outputs;
  std::int64_t weight_offset;
  std::int64_t bias_offset;
};

/// This evaluates a conditioner and its gradients on a block of samples, feature-major: a matrix of f features is
/// [f][n_samples] with samples contiguous. It knows nothing of torch and starts no threads: callers run one block per
/// thread. The bfloat16 precisions run on AMX tiles where has_amx_bf16(); elsewhere bfloat16 through the library's
/// products (float32 if the CPU has no bfloat16 instructions) and split_bfloat16 in float32.
///
/// Use: prepare() on one thread whenever parameters may have changed, then forward() and backward() on any number of
/// threads at once. Nothing is allocated after the first call of a thread.
class ConditionerEngine {
 public:
  /// Most samples of a block: as many as keep a layer's activations in a core's own cache. The library packs the
  /// weights anew for every block, so its blocks are larger.
  int largest_block(ConditionerPrecision precision) const;
  static constexpr int sample_multiple =
      32;  ///< n_samples of a block is a multiple of this; pad with any finite values

  explicit ConditionerEngine(ConditionerShape shape);
  ~ConditionerEngine();
  ConditionerEngine(const ConditionerEngine&) = delete;
  ConditionerEngine& operator=(const ConditionerEngine&) = delete;

  const ConditionerShape& shape() const noexcept { return shape_; }
  const std::vector<LinearLayout>& layout() const noexcept { return layout_; }
  std::int64_t n_parameters() const noexcept { return n_parameters_; }

  /// Makes the packed copies that `precision` needs of `parameters` [n_parameters], unless they are there already for
  /// the values announced last. `parameters` must stay where it is until the next prepare: float32 products read it
  /// directly. with_backward packs what backward() needs too. Uses parallel_for.
  void prepare(const float* parameters, ConditionerPrecision precision, bool with_backward);
  /// Packed copies are stale: the next prepare makes them anew.
  void parameters_changed() noexcept;

  /// Bytes that forward() keeps for backward() of one block of n_samples.
  std::int64_t activation_bytes(ConditionerPrecision precision, int n_samples) const;

  /// Rows that the arrays below need room for: results are written in whole tiles, the rows beyond the last with any
  /// values.
  int padded_inputs() const noexcept { return (shape_.n_inputs + 31) / 32 * 32; }
  int padded_outputs() const noexcept { return (shape_.n_outputs + 31) / 32 * 32; }

  /// outputs [padded_outputs()][n_samples] = conditioner(inputs [n_inputs][n_samples]).
  /// @param activations null, or activation_bytes() bytes on a 64-byte boundary, filled for backward().
  void forward(ConditionerPrecision precision, int n_samples, const float* inputs, float* outputs,
               std::byte* activations) const;

  /// Whether recompute_outputs() is there: on AMX the last product is done again faster than its results, the largest of
  /// all, are written to memory and read back.
  bool recomputes_outputs(ConditionerPrecision precision) const noexcept;
  /// outputs [padded_outputs()][n_samples], the same numbers as forward() gave with these activations.
  void recompute_outputs(ConditionerPrecision precision, int n_samples, const std::byte* activations,
                         float* outputs) const;

  /// Floats of one thread's gradient sums (padded), and the gradient made of them: gradient[i] = the sum over `sums`,
  /// in their order. [first_row, last_row) out of [0, n_gradient_rows()), so that threads can share the work.
  std::int64_t gradient_sum_size() const noexcept { return gradient_sum_size_; }
  std::int64_t n_gradient_rows() const noexcept { return n_gradient_rows_; }
  void reduce_gradients(const std::vector<const float*>& sums, std::int64_t first_row, std::int64_t last_row,
                        float* gradient) const;

  /// output_gradients [n_outputs][n_samples] -> input_gradients [n_inputs][n_samples] (null: not wanted), and the
  /// gradients of the parameters added to gradient_sums [gradient_sum_size()] (null: not wanted), or written there if
  /// `overwrite`. Activations are those of forward() with the same precision, n_samples and parameters.
  void backward(ConditionerPrecision precision, int n_samples, const std::byte* activations,
                const float* output_gradients, float* input_gradients, float* gradient_sums, bool overwrite) const;

 private:
  ConditionerShape shape_;
  std::vector<LinearLayout> layout_;
  std::int64_t n_parameters_ = 0, gradient_sum_size_ = 0, n_gradient_rows_ = 0;
  std::vector<LinearGradientSums> gradient_sums_;
  std::unique_ptr<ConditionerPath> library_, tiles_;  ///< tiles_ is null without AMX
  ConditionerPath& path_for(ConditionerPrecision precision) const;
};

}  // namespace boltzflow
