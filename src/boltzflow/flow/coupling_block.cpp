// SPDX-License-Identifier: MIT
#include "boltzflow/flow/coupling_block.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "boltzflow/base/errors.hpp"

namespace boltzflow {
namespace {

std::byte* block_workspace(std::size_t n_bytes) {
  thread_local AlignedBuffer<std::byte> workspace;
  if (workspace.size() < n_bytes) workspace = AlignedBuffer<std::byte>(n_bytes);
  return workspace.data();
}

int count_circular(const CouplingLayout& layout, const std::vector<int>& dimensions) {
  return static_cast<int>(
      std::count_if(dimensions.begin(), dimensions.end(), [&](int i) { return layout.circular[i] != 0; }));
}

/// Every dimension is conditioning or transformed, once.
CouplingLayout checked(CouplingLayout layout) {
  std::vector<int> seen(std::max(layout.dimension, 0), 0);
  bool in_range = layout.circular.size() == seen.size();
  for (const auto* dimensions : {&layout.conditioning, &layout.transformed}) {
    for (int i : *dimensions) {
      in_range = in_range && i >= 0 && i < layout.dimension;
      if (in_range) ++seen[i];
    }
  }
  if (!in_range || std::any_of(seen.begin(), seen.end(), [](int n) { return n != 1; }))
    throw InputError("a coupling layer of " + std::to_string(layout.dimension) +
                     " dimensions must name each of them once, as conditioning or as transformed");
  if (layout.conditioning.empty() || layout.transformed.empty())
    throw InputError("a coupling layer needs at least one conditioning and one transformed dimension");
  if (layout.n_bins < 2 || layout.n_bins > maximum_bins)
    throw InputError("n_bins: " + std::to_string(layout.n_bins) + " is not in [2, " + std::to_string(maximum_bins) +
                     "]");
  return layout;
}

}  // namespace

ConditionerShape CouplingLayout::conditioner_shape() const {
  const int n_circular_inputs = count_circular(*this, conditioning);
  const int n_transformed = static_cast<int>(transformed.size());
  return {static_cast<int>(conditioning.size()) + n_circular_inputs, hidden_width, n_hidden_layers,
          (3 * n_bins + 1) * n_transformed - count_circular(*this, transformed)};
}

CouplingBlock::CouplingBlock(CouplingLayout layout)
    : layout_(checked(std::move(layout))),
      spline_shape_{layout_.n_bins, static_cast<float>(layout_.minimum_bin_size),
                    static_cast<float>(layout_.minimum_slope)},
      engine_(layout_.conditioner_shape()) {
  for (int i : layout_.conditioning)
    (layout_.circular[i] ? circular_conditioning_ : interval_conditioning_).push_back(i);
  const int n = static_cast<int>(layout_.transformed.size()), bins = layout_.n_bins;
  int extra_row = 3 * n * bins;
  for (int j = 0; j < n; ++j)
    last_slope_row_.push_back(layout_.circular[layout_.transformed[j]] ? (2 * n + j) * bins : extra_row++);
}

std::int64_t CouplingBlock::kept_bytes(ConditionerPrecision precision, int n_padded) const {
  const std::int64_t n_rows =
      engine_.shape().n_inputs + (engine_.recomputes_outputs(precision) ? 0 : engine_.padded_outputs());
  return n_rows * n_padded * std::int64_t{sizeof(float)} + engine_.activation_bytes(precision, n_padded);
}

SplineRows CouplingBlock::spline_rows(std::size_t transformed, const float* parameters, int n_padded) const {
  const std::ptrdiff_t n = static_cast<std::ptrdiff_t>(layout_.transformed.size()), bins = layout_.n_bins;
  const std::ptrdiff_t j = static_cast<std::ptrdiff_t>(transformed), stride = n_padded;
  return {parameters + j * bins * stride, parameters + (n + j) * bins * stride,
          parameters + (2 * n + j) * bins * stride, parameters + last_slope_row_[transformed] * stride, stride};
}

void CouplingBlock::forward(CouplingDirection direction, ConditionerPrecision precision, Extent extent,
                            FeatureRows<const float> x, FeatureRows<float> y, float* log_det, std::byte* kept) const {
  const auto& kernels = spline_kernels();
  const auto [n_samples, n_padded] = extent;
  const int n_inputs = engine_.shape().n_inputs;
  const std::int64_t n_features = std::int64_t{n_inputs} * n_padded;
  const std::int64_t n_parameters = std::int64_t{engine_.padded_outputs()} * n_padded;
  const bool keeps_parameters = kept != nullptr && !engine_.recomputes_outputs(precision);
  auto* workspace = keeps_parameters
                        ? nullptr
                        : reinterpret_cast<float*>(block_workspace(sizeof(float) * (n_features + n_parameters)));
  float* features = kept != nullptr ? reinterpret_cast<float*>(kept) : workspace;
  float* parameters = (keeps_parameters ? features : workspace) + n_features;
  std::byte* activations = nullptr;
  if (kept != nullptr)
    activations = reinterpret_cast<std::byte*>(features + n_features + (keeps_parameters ? n_parameters : 0));

  const auto n_circular = static_cast<int>(circular_conditioning_.size());
  for (int j = 0; j < n_circular; ++j)
    kernels.embed_circular(x.row(circular_conditioning_[j]), features + std::int64_t{j} * n_padded,
                           features + std::int64_t{n_circular + j} * n_padded, n_samples);
  for (std::size_t j = 0; j < interval_conditioning_.size(); ++j)
    kernels.embed_interval(x.row(interval_conditioning_[j]), features + (2 * n_circular + j) * n_padded, n_samples);
  for (int j = 0; j < n_inputs && n_samples < n_padded; ++j)
    std::fill(features + std::int64_t{j} * n_padded + n_samples, features + std::int64_t{j + 1} * n_padded, 0.0f);

  engine_.forward(precision, n_padded, features, parameters, activations);

  std::fill(log_det, log_det + n_samples, 0.0f);
  const auto spline = direction == CouplingDirection::forward ? kernels.inverse : kernels.forward;
  for (std::size_t j = 0; j < layout_.transformed.size(); ++j) {
    const int i = layout_.transformed[j];
    spline(spline_shape_, spline_rows(j, parameters, n_padded), x.row(i), y.row(i), log_det, n_samples);
  }
  for (int i : layout_.conditioning) {
    if (y.row(i) != x.row(i)) std::memcpy(y.row(i), x.row(i), sizeof(float) * n_samples);
  }
}

void CouplingBlock::backward(CouplingDirection direction, ConditionerPrecision precision, Extent extent,
                             FeatureRows<const float> x, const std::byte* kept, FeatureRows<const float> y_gradient,
                             const float* log_det_gradient, FeatureRows<float> x_gradient, float* gradient_sums,
                             bool overwrite) const {
  const auto& kernels = spline_kernels();
  const auto [n_samples, n_padded] = extent;
  const int n_outputs = engine_.shape().n_outputs;
  const bool wants_x = x_gradient.data != nullptr;
  const auto* features = reinterpret_cast<const float*>(kept);
  const float* parameters = features + std::int64_t{engine_.shape().n_inputs} * n_padded;
  const bool recomputes = engine_.recomputes_outputs(precision);
  const auto* activations = reinterpret_cast<const std::byte*>(
      parameters + (recomputes ? 0 : std::int64_t{engine_.padded_outputs()} * n_padded));
  auto* parameter_gradients = reinterpret_cast<float*>(
      block_workspace(sizeof(float) * n_padded * (engine_.padded_outputs() + engine_.padded_inputs() + 1)));
  if (recomputes) {  // the gradients then take the parameters' place
    engine_.recompute_outputs(precision, n_padded, activations, parameter_gradients);
    parameters = parameter_gradients;
  }
  float* feature_gradients = parameter_gradients + std::int64_t{engine_.padded_outputs()} * n_padded;
  float* unwanted_row = feature_gradients + std::int64_t{engine_.padded_inputs()} * n_padded;

  const auto spline = direction == CouplingDirection::forward ? kernels.inverse_backward : kernels.forward_backward;
  for (std::size_t j = 0; j < layout_.transformed.size(); ++j) {
    const int i = layout_.transformed[j];
    const SplineRows rows = spline_rows(j, parameters, n_padded);
    const auto gradient_of = [&](const float* row) { return parameter_gradients + (row - parameters); };
    spline(spline_shape_, rows, x.row(i), y_gradient.row(i), log_det_gradient,
           wants_x ? x_gradient.row(i) : unwanted_row,
           {gradient_of(rows.widths), gradient_of(rows.heights), gradient_of(rows.slopes), gradient_of(rows.last_slope),
            rows.stride},
           n_samples);
  }
  for (int j = 0; j < n_outputs && n_samples < n_padded; ++j)
    std::fill(parameter_gradients + std::int64_t{j} * n_padded + n_samples,
              parameter_gradients + std::int64_t{j + 1} * n_padded, 0.0f);

  engine_.backward(precision, n_padded, activations, parameter_gradients, wants_x ? feature_gradients : nullptr,
                   gradient_sums, overwrite);
  if (!wants_x) return;

  for (int i : layout_.conditioning) std::memcpy(x_gradient.row(i), y_gradient.row(i), sizeof(float) * n_samples);
  const auto n_circular = static_cast<int>(circular_conditioning_.size());
  for (int j = 0; j < n_circular; ++j) {
    const std::int64_t cosine = std::int64_t{j} * n_padded, sine = std::int64_t{n_circular + j} * n_padded;
    kernels.embed_circular_backward(features + cosine, features + sine, feature_gradients + cosine,
                                    feature_gradients + sine, x_gradient.row(circular_conditioning_[j]), n_samples);
  }
  for (std::size_t j = 0; j < interval_conditioning_.size(); ++j)
    kernels.embed_interval_backward(feature_gradients + (2 * n_circular + j) * n_padded,
                                    x_gradient.row(interval_conditioning_[j]), n_samples);
}

void CouplingBlock::shift_circles(float shift, FeatureRows<float> x, std::int64_t n_samples) const {
  const auto& kernels = spline_kernels();
  for (int i = 0; i < layout_.dimension; ++i) {
    if (layout_.circular[i]) kernels.shift_circle(x.row(i), shift, x.row(i), n_samples);
  }
}

}  // namespace boltzflow
