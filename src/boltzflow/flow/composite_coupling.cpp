// SPDX-License-Identifier: MIT
#include "boltzflow/flow/composite_coupling.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "boltzflow/base/units.hpp"
#include "boltzflow/flow/spline_kernels.hpp"

namespace boltzflow {
namespace {

at::Tensor index_tensor(const std::vector<std::int64_t>& indices) { return at::tensor(indices, at::kLong); }

at::Tensor rounded(const at::Tensor& x) { return x.to(at::kBFloat16).to(x.scalar_type()); }

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, ConditionerPrecision precision,
                  bool may_round_result) {
  switch (precision) {
    case ConditionerPrecision::float32:
      break;
    case ConditionerPrecision::bfloat16:
      if (x.is_cuda() && may_round_result) {  // the next product rounds its operand anyway
        const auto product = at::matmul(x.to(at::kBFloat16), weight.to(at::kBFloat16).t());
        return product.to(x.scalar_type()) + bias;
      }
      return at::linear(rounded(x), rounded(weight), bias);
    case ConditionerPrecision::split_bfloat16: {
      const auto x_high = rounded(x), weight_high = rounded(weight);
      const auto x_low = rounded(x - x_high), weight_low = rounded(weight - weight_high);
      return at::linear(x_high, weight_high, bias) + at::linear(x_high, weight_low) + at::linear(x_low, weight_high);
    }
  }
  return at::linear(x, weight, bias);
}

/// Bin sizes and the K + 1 knots they make; the last knot is 1 exactly.
struct Knots {
  at::Tensor sizes, knots;
};
Knots knots_of(const at::Tensor& parameters, double minimum) {
  const auto n_bins = static_cast<double>(parameters.size(-1));
  const auto sizes = minimum + (1 - n_bins * minimum) * at::softmax(parameters, -1);
  const auto sums = at::cumsum(sizes, -1).narrow(-1, 0, parameters.size(-1) - 1);
  const auto end = at::zeros_like(sizes.narrow(-1, 0, 1));
  return {sizes, at::cat({end, sums, end + 1}, -1)};
}

}  // namespace

CompositeSpline composite_spline(const at::Tensor& x_given, const at::Tensor& widths, const at::Tensor& heights,
                                 const at::Tensor& slopes, double minimum_bin_size, double minimum_slope,
                                 bool inverse) {
  const auto x = at::clamp(x_given, 0, 1);
  const std::int64_t n_bins = widths.size(-1);
  const auto x_knots = knots_of(widths, minimum_bin_size), y_knots = knots_of(heights, minimum_bin_size);
  const auto knot_slopes = minimum_slope + at::softplus(slopes);
  const auto inner = (inverse ? y_knots : x_knots).knots.narrow(-1, 1, n_bins - 1);
  const auto bin = at::sum(x.unsqueeze(-1) >= inner, -1, true);
  const auto in_bin = [](const at::Tensor& t, const at::Tensor& k) { return t.gather(-1, k).squeeze(-1); };
  const auto x_start = in_bin(x_knots.knots, bin), width = in_bin(x_knots.sizes, bin);
  const auto y_start = in_bin(y_knots.knots, bin), height = in_bin(y_knots.sizes, bin);
  const auto d0 = in_bin(knot_slopes, bin), d1 = in_bin(knot_slopes, bin + 1), s = height / width;

  at::Tensor theta;
  if (inverse) {
    const auto q = at::minimum(at::clamp_min(x - y_start, 0), height), left = height - q;
    const auto b = left * d0 - q * d1 + 2 * q * s, a = height * s - b;
    // The floor keeps the square root's derivative finite; b * b alone is at least 1e-12 where the rest vanishes.
    const auto root = at::sqrt(at::clamp_min(b * b + 4 * a * (s * q), 1e-30));
    const auto positive = b > 0;
    theta = at::where(positive, 2 * s * q, root - b) / at::where(positive, b + root, 2 * a);
  } else {
    theta = (x - x_start) / width;
  }
  theta = at::clamp(theta, 0, 1);
  const auto u = 1 - theta, t = theta * u;
  const auto b = s * (1 - 2 * t) + (d0 + d1) * t, c = d1 * theta * theta + 2 * s * t + d0 * u * u;
  const auto log_derivative = at::log(c) + 2 * at::log(s / b);
  if (inverse) return {at::clamp(x_start + theta * width, 0, 1), -log_derivative};
  return {at::clamp(y_start + height * (s * theta * theta + d0 * t) / b, 0, 1), log_derivative};
}

CompositeCoupling::CompositeCoupling(CouplingLayout layout) : layout_(std::move(layout)) {
  std::vector<std::int64_t> circular, interval, conditioning, transformed, last_slope;
  std::vector<double> shift;
  for (const int i : layout_.conditioning) {
    conditioning.push_back(i);
    (layout_.circular[static_cast<std::size_t>(i)] != 0 ? circular : interval).push_back(i);
  }
  const auto n_slopes = static_cast<std::int64_t>(layout_.transformed.size()) * layout_.n_bins;
  std::int64_t extra = n_slopes;
  for (const int i : layout_.transformed) {
    const bool is_circle = layout_.circular[static_cast<std::size_t>(i)] != 0;
    last_slope.push_back(is_circle ? static_cast<std::int64_t>(transformed.size()) * layout_.n_bins : extra++);
    transformed.push_back(i);
  }
  for (const auto is_circle : layout_.circular) shift.push_back(is_circle != 0 ? layout_.circular_shift : 0.0);
  std::vector<std::int64_t> joined = conditioning, order(static_cast<std::size_t>(layout_.dimension));
  joined.insert(joined.end(), transformed.begin(), transformed.end());
  for (std::size_t k = 0; k < joined.size(); ++k)
    order[static_cast<std::size_t>(joined[k])] = static_cast<std::int64_t>(k);

  conditioning_ = index_tensor(conditioning), transformed_ = index_tensor(transformed), order_ = index_tensor(order);
  conditioning_circular_ = index_tensor(circular), conditioning_interval_ = index_tensor(interval);
  last_slope_source_ = index_tensor(last_slope);
  shift_ = at::tensor(shift, at::kDouble);
}

void CompositeCoupling::to_device(const at::Device& device) {
  for (at::Tensor* tensor : {&conditioning_circular_, &conditioning_interval_, &transformed_, &last_slope_source_,
                             &order_, &conditioning_, &shift_}) {
    *tensor = tensor->to(device);
  }
}

CompositeCoupling::Mapped CompositeCoupling::map(CouplingDirection direction, const at::Tensor& parameters,
                                                 const at::Tensor& x_given, ConditionerPrecision precision) const {
  const bool forward = direction == CouplingDirection::forward, shifts = layout_.circular_shift != 0;
  const auto shift = shift_.to(x_given.scalar_type());
  const auto turned = [](const at::Tensor& x) {
    const auto fraction = x - at::floor(x);
    return at::where(fraction < 1, fraction, fraction - 1);
  };
  const auto shifted = [&](const at::Tensor& x, const at::Tensor& by) {
    return at::where(shift_ != 0, turned(x + by), x);
  };
  const at::Tensor x = !forward && shifts ? shifted(x_given, -shift) : x_given;

  const auto turns = x.index_select(1, conditioning_circular_) * (2 * pi);
  const auto interval = (x.index_select(1, conditioning_interval_) - 0.5) * static_cast<double>(interval_feature_scale);
  at::Tensor features = at::cat({at::cos(turns), at::sin(turns), interval}, 1);
  const auto linear_maps = conditioner_layout(layout_.conditioner_shape());
  for (std::size_t k = 0; k < linear_maps.size(); ++k) {
    const auto& map = linear_maps[k];
    const bool last = k + 1 == linear_maps.size();
    const auto weight = parameters.narrow(0, map.weight_offset, std::int64_t{map.n_inputs} * map.n_outputs)
                            .view({map.n_outputs, map.n_inputs});
    features = linear(features, weight, parameters.narrow(0, map.bias_offset, map.n_outputs), precision, !last);
    if (!last) features = at::relu(features);
  }

  const auto m = static_cast<std::int64_t>(layout_.transformed.size()), k = std::int64_t{layout_.n_bins}, n = x.size(0);
  const auto widths = features.narrow(1, 0, m * k).reshape({n, m, k});
  const auto heights = features.narrow(1, m * k, m * k).reshape({n, m, k});
  const auto all_slopes = features.narrow(1, 2 * m * k, features.size(1) - 2 * m * k);
  const auto slopes = at::cat(
      {all_slopes.narrow(1, 0, m * k).reshape({n, m, k}), all_slopes.index_select(1, last_slope_source_).unsqueeze(-1)},
      -1);
  const auto spline = composite_spline(x.index_select(1, transformed_), widths, heights, slopes,
                                       layout_.minimum_bin_size, layout_.minimum_slope, forward);
  const auto joined = at::cat({x.index_select(1, conditioning_), spline.y}, 1).index_select(1, order_);
  return {forward && shifts ? shifted(joined, shift) : joined, spline.log_derivative.sum(1)};
}

}  // namespace boltzflow
