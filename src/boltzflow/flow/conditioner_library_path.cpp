// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/conditioner_elementwise.hpp"
#include "boltzflow/flow/conditioner_path.hpp"
#include "boltzflow/flow/conditioner_products.hpp"

namespace boltzflow {

const ConditionerElementwise& conditioner_elementwise() {
  return *for_this_cpu(&baseline::conditioner_elementwise, &avx2::conditioner_elementwise,
                       &avx512::conditioner_elementwise);
}

namespace {

using bfloat16 = std::uint16_t;

/// Keeps of every linear map its input: float32 [inputs][samples], or bfloat16 of the same form.
class LibraryPath final : public ConditionerPath {
 public:
  LibraryPath(std::span<const LinearLayout> layout, std::span<const LinearGradientSums> sums)
      : layout_(layout), sums_(sums) {
    for (const auto& linear : layout) {
      n_kept_rows_ += linear.n_inputs;
      widest_ = std::max({widest_, linear.n_inputs, linear.n_outputs});
    }
  }

  void parameters_changed() noexcept override { rounded_fresh_ = false; }

  void prepare(const float* parameters, ConditionerPrecision precision, bool) override {
    if (parameters != parameters_) parameters_changed();
    parameters_ = parameters;
    if (!rounds(precision) || rounded_fresh_) return;
    const std::int64_t size = layout_.back().bias_offset + layout_.back().n_outputs;
    if (rounded_.size() == 0) rounded_ = AlignedBuffer<bfloat16>(size);
    parallel_for(size, 1 << 16, [&](std::int64_t begin, std::int64_t end, int) {
      conditioner_elementwise().round_to_bfloat16(parameters + begin, end - begin, rounded_.data() + begin);
    });
    rounded_fresh_ = true;
  }

  std::int64_t activation_bytes(ConditionerPrecision precision, int n_samples) const override {
    return n_kept_rows_ * n_samples * (rounds(precision) ? 2 : 4);
  }

  void forward(ConditionerPrecision precision, int n_samples, const float* inputs, float* outputs,
               std::byte* activations) const override {
    if (rounds(precision))
      forward_in<bfloat16>(n_samples, inputs, outputs, reinterpret_cast<bfloat16*>(activations));
    else
      forward_in<float>(n_samples, inputs, outputs, reinterpret_cast<float*>(activations));
  }

  void backward(ConditionerPrecision precision, int n_samples, const std::byte* activations,
                const float* output_gradients, float* input_gradients, float* gradient_sums,
                bool overwrite) const override {
    if (rounds(precision))
      backward_in(n_samples, reinterpret_cast<const bfloat16*>(activations), output_gradients, input_gradients,
                  gradient_sums, overwrite);
    else
      backward_in(n_samples, reinterpret_cast<const float*>(activations), output_gradients, input_gradients,
                  gradient_sums, overwrite);
  }

 private:
  static bool rounds(ConditionerPrecision precision) {
    return precision == ConditionerPrecision::bfloat16 && has_bfloat16_products();
  }
  const float* weights_of(const LinearLayout& linear, const float*) const { return parameters_ + linear.weight_offset; }
  const bfloat16* weights_of(const LinearLayout& linear, const bfloat16*) const {
    return rounded_.data() + linear.weight_offset;
  }
  static void multiply(const MatrixProduct& p, const float* a, const float* b, float* c) {
    multiply_float32(p, a, b, c);
  }
  static void multiply(const MatrixProduct& p, const bfloat16* a, const bfloat16* b, float* c) {
    multiply_bfloat16(p, a, b, c);
  }

  /// Element is the type of the factors: float or bfloat16.
  template <class Element>
  void forward_in(int n_samples, const float* inputs, float* outputs, Element* activations) const {
    constexpr bool rounding = sizeof(Element) == 2;
    const SerialProducts serial;
    const auto& elementwise = conditioner_elementwise();
    const std::size_t size = std::size_t(widest_) * n_samples;
    auto* y = reinterpret_cast<float*>(conditioner_workspace(2 * size * sizeof(float)));
    // Without activations to keep, two buffers take turns.
    Element* spare = reinterpret_cast<Element*>(y + size);
    const auto take = [&](const float* x, int n_rows) -> const Element* {
      Element* to = activations != nullptr ? activations : spare;
      const std::size_t n = std::size_t(n_rows) * n_samples;
      if constexpr (rounding)
        elementwise.round_to_bfloat16(x, n, to);
      else
        std::copy_n(x, n, to);
      if (activations != nullptr) activations += n;
      return to;
    };
    const Element* x;
    [[maybe_unused]] const float* exact = inputs;  // x before rounding
    if constexpr (rounding)
      x = take(inputs, layout_[0].n_inputs);
    else
      x = activations == nullptr ? inputs : take(inputs, layout_[0].n_inputs);
    for (std::size_t i = 0; i < layout_.size(); ++i) {
      const auto& linear = layout_[i];
      const float* bias = parameters_ + linear.bias_offset;
      const bool last = i + 1 == layout_.size();
      float* to = last ? outputs : y;
      if constexpr (!rounding) {  // straight to where it is kept
        if (!last && activations != nullptr) to = activations, activations += std::size_t(linear.n_outputs) * n_samples;
      }
      const MatrixProduct product{linear.n_outputs, n_samples, linear.n_inputs, false, false, false, n_samples};
      // The library would round a bfloat16 product's result too, which the outputs, logits of bins, do not bear.
      if (rounding && last)
        multiply_float32(product, parameters_ + linear.weight_offset, exact, to);
      else
        multiply(product, weights_of(linear, static_cast<Element*>(nullptr)), x, to);
      if (last) return elementwise.add_bias(to, bias, linear.n_outputs, n_samples);
      elementwise.add_bias_relu(to, bias, linear.n_outputs, n_samples);
      if constexpr (rounding) {
        exact = to;
        x = take(to, linear.n_outputs);
      } else {
        x = to;
        if (to == y) std::swap(y, spare);
      }
    }
  }

  template <class Element>
  void backward_in(int n_samples, const Element* activations, const float* output_gradients, float* input_gradients,
                   float* gradient_sums, bool overwrite) const {
    constexpr bool rounding = sizeof(Element) == 2;
    const SerialProducts serial;
    const auto& elementwise = conditioner_elementwise();
    const std::size_t size = std::size_t(widest_) * n_samples;
    auto* next = reinterpret_cast<float*>(conditioner_workspace(3 * size * sizeof(float)));
    float* spare = next + size;
    [[maybe_unused]] auto* rounded = reinterpret_cast<Element*>(spare + size);
    const float* g = output_gradients;
    const Element* x = activations + n_kept_rows_ * n_samples;
    for (std::size_t i = layout_.size(); i-- > 0;) {
      const auto& linear = layout_[i];
      x -= std::int64_t{linear.n_inputs} * n_samples;
      const Element* factor;
      if constexpr (rounding) {
        elementwise.round_to_bfloat16(g, std::ptrdiff_t(linear.n_outputs) * n_samples, rounded);
        factor = rounded;
      } else {
        factor = g;
      }
      if (gradient_sums != nullptr) {
        elementwise.sum_rows(g, linear.n_outputs, n_samples, gradient_sums + sums_[i].bias_offset, overwrite);
        multiply({linear.n_outputs, linear.n_inputs, n_samples, false, true, !overwrite, sums_[i].padded_inputs},
                 factor, x, gradient_sums + sums_[i].weight_offset);
      }
      if (i == 0 && input_gradients == nullptr) return;
      float* to = i == 0 ? input_gradients : next;
      multiply({linear.n_inputs, n_samples, linear.n_outputs, true, false, false, n_samples},
               weights_of(linear, static_cast<const Element*>(nullptr)), factor, to);
      if (i == 0) return;
      mask(to, x, linear.n_inputs, n_samples);
      g = to;
      std::swap(next, spare);
    }
  }

  static void mask(float* g, const float* y, int n_rows, int n_samples) {
    conditioner_elementwise().relu_backward(g, y, n_rows, n_samples);
  }
  /// A relu's bfloat16 output is a positive number or +0: positive if and only if its bits are not 0.
  static void mask(float* g, const bfloat16* y, int n_rows, int n_samples) {
    const std::ptrdiff_t n = std::ptrdiff_t(n_rows) * n_samples;
    for (std::ptrdiff_t i = 0; i < n; ++i) g[i] = y[i] != 0 ? g[i] : 0.0f;
  }

  std::span<const LinearLayout> layout_;
  std::span<const LinearGradientSums> sums_;
  const float* parameters_ = nullptr;
  AlignedBuffer<bfloat16> rounded_;
  std::int64_t n_kept_rows_ = 0;
  int widest_ = 0;
  bool rounded_fresh_ = false;
};

}  // namespace

std::unique_ptr<ConditionerPath> make_library_path(std::span<const LinearLayout> layout,
                                                   std::span<const LinearGradientSums> sums) {
  return std::make_unique<LibraryPath>(layout, sums);
}

}  // namespace boltzflow
