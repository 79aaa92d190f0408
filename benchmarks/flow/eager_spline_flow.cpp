// SPDX-License-Identifier: MIT
#include "eager_spline_flow.hpp"

#include <ATen/ATen.h>

#include <utility>

#include "boltzflow/base/units.hpp"
#include "boltzflow/flow/conditioner_engine.hpp"
#include "boltzflow/flow/spline_kernels.hpp"

namespace boltzflow::benchmark {
namespace {

at::Tensor indices(const std::vector<int>& values) {
  return at::tensor(std::vector<std::int64_t>(values.begin(), values.end()), at::kLong);
}

struct Bins {
  at::Tensor sizes, knots;  // [..., K], [..., K + 1]
};
Bins bins_of(const at::Tensor& unnormalised, double minimum) {
  const auto n_bins = static_cast<double>(unnormalised.size(-1));
  const at::Tensor sizes = minimum + (1 - minimum * n_bins) * at::softmax(unnormalised, -1);
  return {sizes, at::constant_pad_nd(at::cumsum(sizes, -1), {1, 0}, 0)};
}

}  // namespace

EagerSplineFlow::EagerSplineFlow(std::vector<CouplingLayout> layouts, const std::vector<at::Tensor>& parameters) {
  for (std::size_t l = 0; l < layouts.size(); ++l) {
    Layer layer{std::move(layouts[l]), {}, {}, {}, {}, {}, {}, {}, {}};
    const auto& layout = layer.layout;
    for (const auto& linear : conditioner_layout(layout.conditioner_shape())) {
      const auto flat = parameters[l].detach();
      layer.weights.push_back(flat.narrow(0, linear.weight_offset, linear.bias_offset - linear.weight_offset)
                                  .reshape({linear.n_outputs, linear.n_inputs})
                                  .clone()
                                  .requires_grad_(true));
      layer.biases.push_back(flat.narrow(0, linear.bias_offset, linear.n_outputs).clone().requires_grad_(true));
      parameters_.push_back(layer.weights.back());
      parameters_.push_back(layer.biases.back());
    }
    std::vector<int> circles, intervals, last_slopes, order(layout.dimension);
    for (int i : layout.conditioning) (layout.circular[i] ? circles : intervals).push_back(i);
    const int n = static_cast<int>(layout.transformed.size());
    int extra = n * layout.n_bins;
    for (int j = 0; j < n; ++j)
      last_slopes.push_back(layout.circular[layout.transformed[j]] ? j * layout.n_bins : extra++);
    int at = 0;
    for (const std::vector<int>* dimensions :
         {&std::as_const(circles), &std::as_const(intervals), &layout.transformed}) {
      for (int i : *dimensions) order[i] = at++;
    }
    layer.shift = at::zeros({layout.dimension}, at::kFloat);
    for (int i = 0; i < layout.dimension; ++i) layer.shift[i] = layout.circular[i] ? layout.circular_shift : 0.0;
    layer.circles = indices(circles), layer.intervals = indices(intervals), layer.order = indices(order);
    layer.transformed = indices(layout.transformed), layer.last_slopes = indices(last_slopes);
    layers_.push_back(std::move(layer));
  }
}

EagerSplineFlow::Mapped EagerSplineFlow::map_layer(const Layer& layer, CouplingDirection direction,
                                                   const at::Tensor& x) {
  const auto& layout = layer.layout;
  const std::int64_t n = static_cast<std::int64_t>(layout.transformed.size()), bins = layout.n_bins;
  const at::Tensor circles = at::index_select(x, 1, layer.circles), intervals = at::index_select(x, 1, layer.intervals);
  const at::Tensor t = at::index_select(x, 1, layer.transformed).clamp(0, 1);
  at::Tensor h =
      at::cat({at::cos(2 * pi * circles), at::sin(2 * pi * circles), interval_feature_scale * (intervals - 0.5)}, 1);
  for (std::size_t i = 0; i < layer.weights.size(); ++i) {
    h = at::linear(h, layer.weights[i], layer.biases[i]);
    if (i + 1 < layer.weights.size()) h = at::relu(h);
  }
  const auto part = [&](std::int64_t k) { return h.narrow(1, k * n * bins, n * bins).reshape({-1, n, bins}); };
  const auto [widths, x_knots] = bins_of(part(0), layout.minimum_bin_size);
  const auto [heights, y_knots] = bins_of(part(1), layout.minimum_bin_size);
  const at::Tensor all_slopes = h.narrow(1, 2 * n * bins, h.size(1) - 2 * n * bins);
  const at::Tensor last = at::index_select(all_slopes, 1, layer.last_slopes).unsqueeze(-1);
  const at::Tensor slopes = layout.minimum_slope + at::softplus(at::cat({part(2), last}, -1));

  const bool invert = direction == CouplingDirection::forward;
  const at::Tensor& searched = invert ? y_knots : x_knots;
  const at::Tensor bin = (t.unsqueeze(-1) >= searched.narrow(-1, 1, bins - 1)).sum(-1, true);
  const auto pick = [&](const at::Tensor& values) { return at::gather(values, -1, bin).squeeze(-1); };
  const at::Tensor x0 = pick(x_knots), width = pick(widths), y0 = pick(y_knots), height = pick(heights);
  const at::Tensor slope = height / width, d0 = pick(slopes), d1 = pick(slopes.narrow(-1, 1, bins));
  const at::Tensor bend = d0 + d1 - 2 * slope;
  at::Tensor theta;
  if (invert) {
    const at::Tensor rise = t - y0;
    const at::Tensor a = rise * bend + height * (slope - d0), b = height * d0 - rise * bend, c = -slope * rise;
    theta = 2 * c / (-b - at::sqrt((b * b - 4 * a * c).clamp_min(0)));
  } else {
    theta = (t - x0) / width;
  }
  const at::Tensor product = theta * (1 - theta), denominator = slope + bend * product;
  const at::Tensor log_slope =
      at::log(slope * slope * (d1 * theta * theta + 2 * slope * product + d0 * (1 - theta) * (1 - theta))) -
      2 * at::log(denominator);
  const at::Tensor y = invert ? x0 + theta * width : y0 + height * (slope * theta * theta + d0 * product) / denominator;
  const at::Tensor joined = at::index_select(at::cat({circles, intervals, y}, 1), 1, layer.order);
  return {joined, invert ? -log_slope.sum(1) : log_slope.sum(1)};
}

EagerSplineFlow::Mapped EagerSplineFlow::map(CouplingDirection direction, at::Tensor x) const {
  at::Tensor log_det = at::zeros({x.size(0)}, at::kFloat);
  const bool forward = direction == CouplingDirection::forward;
  for (std::size_t step = 0; step < layers_.size(); ++step) {
    const Layer& layer = layers_[forward ? step : layers_.size() - 1 - step];
    // Torsions are shifted after the second layer of a pair alone, so most layers have nothing to shift.
    const bool shifts = layer.layout.circular_shift != 0;
    if (!forward && shifts) x = at::remainder(x - layer.shift, 1);
    const Mapped mapped = map_layer(layer, direction, x);
    x = forward && shifts ? at::remainder(mapped.x + layer.shift, 1) : mapped.x;
    log_det = log_det + mapped.log_det;
  }
  return {x, log_det};
}

}  // namespace boltzflow::benchmark
