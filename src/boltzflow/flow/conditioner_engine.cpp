// SPDX-License-Identifier: MIT
#include "boltzflow/flow/conditioner_engine.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/instruction_set.hpp"
#include "boltzflow/flow/conditioner_path.hpp"

namespace boltzflow {

ConditionerPrecision parse_conditioner_precision(const std::string& name) {
  for (auto precision :
       {ConditionerPrecision::float32, ConditionerPrecision::bfloat16, ConditionerPrecision::split_bfloat16}) {
    if (name == name_of(precision)) return precision;
  }
  throw InputError("precision \"" + name + "\" is not one of float32, bfloat16, split-bfloat16");
}

const char* name_of(ConditionerPrecision precision) noexcept {
  switch (precision) {
    case ConditionerPrecision::bfloat16:
      return "bfloat16";
    case ConditionerPrecision::split_bfloat16:
      return "split-bfloat16";
    default:
      return "float32";
  }
}

std::vector<LinearLayout> conditioner_layout(const ConditionerShape& shape) {
  if (shape.n_inputs < 1 || shape.hidden_width < 1 || shape.n_hidden_layers < 0 || shape.n_outputs < 1)
    throw InputError("a conditioner needs at least one input, one output and one unit in every hidden layer; it has " +
                     std::to_string(shape.n_inputs) + " inputs, " + std::to_string(shape.n_outputs) + " outputs and " +
                     std::to_string(shape.n_hidden_layers) + " hidden layers of " + std::to_string(shape.hidden_width));
  std::vector<LinearLayout> layout;
  std::int64_t offset = 0;
  int n_inputs = shape.n_inputs;
  for (int i = 0; i <= shape.n_hidden_layers; ++i) {
    const int n_outputs = i < shape.n_hidden_layers ? shape.hidden_width : shape.n_outputs;
    const std::int64_t n_weights = std::int64_t{n_inputs} * n_outputs;
    layout.push_back({n_inputs, n_outputs, offset, offset + n_weights});
    offset += n_weights + n_outputs;
    n_inputs = n_outputs;
  }
  return layout;
}

std::byte* conditioner_workspace(std::size_t n_bytes) {
  thread_local AlignedBuffer<std::byte> workspace;
  if (workspace.size() < n_bytes) workspace = AlignedBuffer<std::byte>(n_bytes);
  return workspace.data();
}

ConditionerEngine::ConditionerEngine(ConditionerShape shape) : shape_(shape), layout_(conditioner_layout(shape)) {
  n_parameters_ = layout_.back().bias_offset + layout_.back().n_outputs;
  for (const auto& linear : layout_) {
    const int padded_inputs = (linear.n_inputs + 31) / 32 * 32, padded_outputs = (linear.n_outputs + 31) / 32 * 32;
    const std::int64_t n_weights = std::int64_t{padded_inputs} * padded_outputs;
    gradient_sums_.push_back({padded_inputs, padded_outputs, gradient_sum_size_, gradient_sum_size_ + n_weights});
    gradient_sum_size_ += n_weights + padded_outputs;
    n_gradient_rows_ += linear.n_outputs;
  }
  library_ = make_library_path(layout_, gradient_sums_);
  tiles_ = make_tile_path(layout_, gradient_sums_);
}

ConditionerEngine::~ConditionerEngine() = default;

// Asked at every call, not once, so that tests can force an instruction set.
ConditionerPath& ConditionerEngine::path_for(ConditionerPrecision precision) const {
  return precision != ConditionerPrecision::float32 && has_amx_bf16() ? *tiles_ : *library_;
}

int ConditionerEngine::largest_block(ConditionerPrecision precision) const {
  return &path_for(precision) == tiles_.get() ? 256 : 512;
}

void ConditionerEngine::prepare(const float* parameters, ConditionerPrecision precision, bool with_backward) {
  path_for(precision).prepare(parameters, precision, with_backward);
}

void ConditionerEngine::parameters_changed() noexcept {
  library_->parameters_changed();
  tiles_->parameters_changed();
}

std::int64_t ConditionerEngine::activation_bytes(ConditionerPrecision precision, int n_samples) const {
  return path_for(precision).activation_bytes(precision, n_samples);
}

void ConditionerEngine::forward(ConditionerPrecision precision, int n_samples, const float* inputs, float* outputs,
                                std::byte* activations) const {
  path_for(precision).forward(precision, n_samples, inputs, outputs, activations);
}

bool ConditionerEngine::recomputes_outputs(ConditionerPrecision precision) const noexcept {
  return path_for(precision).recomputes_outputs(precision);
}

void ConditionerEngine::recompute_outputs(ConditionerPrecision precision, int n_samples, const std::byte* activations,
                                          float* outputs) const {
  path_for(precision).recompute_outputs(precision, n_samples, activations, outputs);
}

void ConditionerEngine::backward(ConditionerPrecision precision, int n_samples, const std::byte* activations,
                                 const float* output_gradients, float* input_gradients, float* gradient_sums,
                                 bool overwrite) const {
  if (precision == ConditionerPrecision::split_bfloat16)
    throw InputError("conditioner precision split-bfloat16 has no gradients; use float32 or bfloat16");
  path_for(precision).backward(precision, n_samples, activations, output_gradients, input_gradients, gradient_sums,
                               overwrite);
}

void ConditionerEngine::reduce_gradients(const std::vector<const float*>& sums, std::int64_t first_row,
                                         std::int64_t last_row, float* gradient) const {
  std::int64_t row_of_layer = 0;
  for (std::size_t i = 0; i < layout_.size(); row_of_layer += layout_[i++].n_outputs) {
    const auto& linear = layout_[i];
    const auto& padded = gradient_sums_[i];
    const std::int64_t first = std::max<std::int64_t>(0, first_row - row_of_layer);
    const std::int64_t last = std::min<std::int64_t>(linear.n_outputs, last_row - row_of_layer);
    for (std::int64_t row = first; row < last; ++row) {
      float* to = gradient + linear.weight_offset + row * linear.n_inputs;
      const std::int64_t from = padded.weight_offset + row * padded.padded_inputs;
      std::memcpy(to, sums[0] + from, sizeof(float) * linear.n_inputs);
      for (std::size_t s = 1; s < sums.size(); ++s) {
        const float* sum = sums[s] + from;
        for (int column = 0; column < linear.n_inputs; ++column) to[column] += sum[column];
      }
      float bias = 0;
      for (const float* sum : sums) bias += sum[padded.bias_offset + row];
      gradient[linear.bias_offset + row] = bias;
    }
  }
}

}  // namespace boltzflow
