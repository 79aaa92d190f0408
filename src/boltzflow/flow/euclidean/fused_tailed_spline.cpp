// SPDX-License-Identifier: MIT
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "boltzflow/base/aligned_buffer.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/euclidean/affine_map.hpp"
#include "boltzflow/flow/euclidean/tailed_spline.hpp"
#include "boltzflow/flow/spline_kernels.hpp"

namespace boltzflow {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t samples_per_range = 64;  // of a thread's share at least, whole vectors

/// What the kernels read and write beside the tensors: slopes with the two fixed ends (their rows lie `stride` apart as
/// the parameters' do), and one coordinate's points mapped to [0, 1].
struct Workspace {
  AlignedBuffer<float> slopes, slope_gradients, rows;
  std::int64_t stride;

  Workspace(std::int64_t n_bins, std::int64_t n_samples, float end_slope)
      : slopes(static_cast<std::size_t>((n_bins + 1) * n_samples)),
        slope_gradients(static_cast<std::size_t>((n_bins + 1) * n_samples)),
        rows(static_cast<std::size_t>(3 * n_samples)),
        stride(n_samples) {
    for (std::int64_t i = 0; i < n_samples; ++i) slopes[i] = slopes[n_bins * n_samples + i] = end_slope;
  }
  float* row(int k) { return rows.data() + k * stride; }
};

/// The spline part alone, for one node's tensors; row pointers are those of one coordinate and a range of samples.
struct SplineRange {
  const TailedSplineShape& shape;
  SplineShape kernel_shape;
  std::int64_t m, n, begin, end;
  Workspace work;

  SplineRange(const TailedSplineShape& shape_given, std::int64_t n_coordinates, std::int64_t n_samples,
              std::int64_t first, std::int64_t last)
      : shape(shape_given),
        kernel_shape{static_cast<int>(shape.n_bins), static_cast<float>(shape.minimum_bin_size),
                     static_cast<float>(shape.minimum_slope)},
        m(n_coordinates),
        n(n_samples),
        begin(first),
        end(last),
        work(shape.n_bins, n_samples, static_cast<float>(shape.unit_slope_parameter())) {}

  std::size_t row_bytes() const { return static_cast<std::size_t>(end - begin) * sizeof(float); }
  const float* parameter_rows(const float* parameters, std::int64_t j) const {
    return parameters + j * shape.n_parameters() * n + begin;
  }
  SplineRows rows_of(const float* parameters, std::int64_t j) {
    const float* first = parameter_rows(parameters, j);
    const std::int64_t k = shape.n_bins;
    for (std::int64_t i = 1; i < k; ++i)
      std::memcpy(work.slopes.data() + i * n + begin, first + (2 * k + i - 1) * n, row_bytes());
    return {first, first + k * n, work.slopes.data() + begin, work.slopes.data() + k * n + begin, n};
  }
  /// Points of coordinate j in [0, 1]. Clamped here, lest a point on the bound that is rounded to just outside lose its
  /// gradient in the kernels.
  const float* to_unit(const float* x, std::int64_t j) {
    float* unit = work.row(0);
    const auto bound = static_cast<float>(shape.tail_bound), scale = 0.5f / bound;
    for (std::int64_t i = begin; i < end; ++i) unit[i] = std::min(std::max((x[j * n + i] + bound) * scale, 0.0f), 1.0f);
    return unit + begin;
  }
  bool outside(float x) const { return !(std::abs(x) <= static_cast<float>(shape.tail_bound)); }

  void map(const float* x, const float* parameters, bool inverse, float* y, float* log_det) {
    const auto& kernels = spline_kernels();
    const auto bound = static_cast<float>(shape.tail_bound);
    float* unit = work.row(0);
    for (std::int64_t j = 0; j < m; ++j) {
      to_unit(x, j);
      (inverse ? kernels.inverse : kernels.forward)(kernel_shape, rows_of(parameters, j), unit + begin, unit + begin,
                                                    log_det + begin, end - begin);
      for (std::int64_t i = begin; i < end; ++i) {
        const float given = x[j * n + i];
        y[j * n + i] = outside(given) ? given : 2 * bound * unit[i] - bound;
      }
    }
  }

  void map_backward(const float* x, const float* parameters, bool inverse, const float* y_gradient,
                    const float* log_det_gradient, float* x_gradient, float* parameter_gradient) {
    const auto& kernels = spline_kernels();
    const std::int64_t k = shape.n_bins;
    const auto width = static_cast<float>(2 * shape.tail_bound);
    float *to_y = work.row(1), *to_log_det = work.row(2);
    for (std::int64_t j = 0; j < m; ++j) {
      const float* unit = to_unit(x, j);
      for (std::int64_t i = begin; i < end; ++i) {
        const bool tail = outside(x[j * n + i]);
        to_y[i] = tail ? 0.0f : width * y_gradient[j * n + i];
        to_log_det[i] = tail ? 0.0f : log_det_gradient[i];
      }
      float* to = parameter_gradient + j * shape.n_parameters() * n + begin;
      float* to_slopes = work.slope_gradients.data() + begin;
      const SplineGradientRows gradients{to, to + k * n, to_slopes, to_slopes + k * n, n};
      (inverse ? kernels.inverse_backward : kernels.forward_backward)(kernel_shape, rows_of(parameters, j), unit,
                                                                      to_y + begin, to_log_det + begin, to_y + begin,
                                                                      gradients, end - begin);
      for (std::int64_t i = 1; i < k; ++i) std::memcpy(to + (2 * k + i - 1) * n, to_slopes + i * n, row_bytes());
      for (std::int64_t i = begin; i < end; ++i)
        x_gradient[j * n + i] = outside(x[j * n + i]) ? y_gradient[j * n + i] : to_y[i] / width;
    }
  }
};

/// y and log_det (added to) of the splines alone.
at::Tensor spline_alone(const TailedSplineShape& shape, const at::Tensor& x, const at::Tensor& parameters, bool inverse,
                        const at::Tensor& log_det) {
  const at::Tensor y = at::empty_like(x);
  const float *x_data = x.const_data_ptr<float>(), *parameter_data = parameters.const_data_ptr<float>();
  float *y_data = y.mutable_data_ptr<float>(), *log_det_data = log_det.mutable_data_ptr<float>();
  parallel_for(x.size(1), samples_per_range, [&](std::int64_t begin, std::int64_t end, int) {
    SplineRange(shape, x.size(0), x.size(1), begin, end).map(x_data, parameter_data, inverse, y_data, log_det_data);
  });
  return y;
}

struct ShiftAndScale {
  at::Tensor shift, raw;  ///< rows of the parameters, [m, n]
  ShiftAndScale(const TailedSplineShape& shape, const at::Tensor& parameters, const at::Tensor& x) {
    const at::Tensor rows = parameters.view({x.size(0), shape.n_parameters(), x.size(1)});
    shift = rows.select(1, 3 * shape.n_bins - 1);
    raw = rows.select(1, 3 * shape.n_bins);
  }
};

/// The shape of one pass, for the node.
struct Pass final : torch::CustomClassHolder {
  TailedSplineShape shape;
  bool inverse;
};

struct TailedSplineNode : torch::autograd::Function<TailedSplineNode> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& parameters,
                               const c10::intrusive_ptr<Pass>& pass) {
    const auto& [shape, inverse] = std::tie(pass->shape, pass->inverse);
    const at::Tensor log_det = at::zeros({x.size(1)}, x.options().requires_grad(false));
    at::Tensor spline_input = x, spline_output, y, log_scale;
    if (shape.shifts_and_scales) {
      const ShiftAndScale affine(shape, parameters, x);
      log_scale = bounded_log_scale(affine.raw, shape.maximum_log_scale);
      if (inverse) spline_input = (x - affine.shift) * at::exp(-log_scale);
      spline_output = spline_alone(shape, spline_input, parameters, inverse, log_det);
      y = inverse ? spline_output : at::addcmul(affine.shift, spline_output, at::exp(log_scale));
      log_det.add_(log_scale.sum(0), inverse ? -1 : 1);
    } else {
      y = spline_output = spline_alone(shape, x, parameters, inverse, log_det);
    }
    context->save_for_backward({spline_input, inverse ? at::Tensor() : spline_output, parameters});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return {y, log_det};
  }

  // With w the spline's output, y = w e^s + t and log_det = log spline' + s:
  //   dL/dw = e^s dL/dy,  dL/dt = dL/dy,  dL/ds = w e^s dL/dy + dL/dlog_det.
  // Inverse, with w = (x - t) e^-s the spline's input and log_det = -log spline' - s:
  //   dL/dx = e^-s dL/dw,  dL/dt = -dL/dx,  dL/ds = -w dL/dw - dL/dlog_det.
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto capsule = context->saved_data["pass"].toCapsule();
    const auto& pass = static_cast<const Pass&>(*capsule);
    const TailedSplineShape& shape = pass.shape;
    const at::Tensor &x = saved[0], &parameters = saved[2];
    const at::Tensor to_log_det = gradients[1].contiguous();
    at::Tensor to_w = gradients[0], tanh, scale;
    at::Tensor parameter_gradient = at::empty_like(parameters), x_gradient = at::empty_like(x);
    if (shape.shifts_and_scales) {
      tanh = at::tanh(ShiftAndScale(shape, parameters, x).raw / shape.maximum_log_scale);
      scale = at::exp(tanh * (pass.inverse ? -shape.maximum_log_scale : shape.maximum_log_scale));
      if (!pass.inverse) to_w = to_w * scale;
    }
    to_w = to_w.contiguous();
    const float *x_data = x.const_data_ptr<float>(), *parameter_data = parameters.const_data_ptr<float>();
    const float *to_w_data = to_w.const_data_ptr<float>(), *to_log_det_data = to_log_det.const_data_ptr<float>();
    float *x_gradient_data = x_gradient.mutable_data_ptr<float>(),
          *parameter_gradient_data = parameter_gradient.mutable_data_ptr<float>();
    parallel_for(x.size(1), samples_per_range, [&](std::int64_t begin, std::int64_t end, int) {
      SplineRange(shape, x.size(0), x.size(1), begin, end)
          .map_backward(x_data, parameter_data, pass.inverse, to_w_data, to_log_det_data, x_gradient_data,
                        parameter_gradient_data);
    });
    if (!shape.shifts_and_scales) return {x_gradient, parameter_gradient, at::Tensor()};

    const ShiftAndScale to(shape, parameter_gradient, x);
    const at::Tensor to_raw_of_s = 1 - tanh * tanh;
    if (pass.inverse) {
      const at::Tensor to_input = x_gradient;
      x_gradient = to_input * scale;
      to.shift.copy_(-x_gradient);
      to.raw.copy_((-x * to_input - to_log_det) * to_raw_of_s);
    } else {
      to.shift.copy_(gradients[0]);
      to.raw.copy_((saved[1] * to_w + to_log_det) * to_raw_of_s);
    }
    return {x_gradient, parameter_gradient, at::Tensor()};
  }
};

}  // namespace

Density::Mapped fused_tailed_spline(const TailedSplineShape& shape, const at::Tensor& x, const at::Tensor& parameters,
                                    bool inverse) {
  auto pass = c10::make_intrusive<Pass>();
  pass->shape = shape;
  pass->inverse = inverse;
  const auto mapped = TailedSplineNode::apply(x.contiguous(), parameters.contiguous(), pass);
  return {mapped[0], mapped[1]};
}

}  // namespace boltzflow
