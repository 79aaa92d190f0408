// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/linear_map.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

namespace boltzflow {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor narrow_type(const at::Tensor& x) { return x.to(at::kBFloat16); }

enum Layout : bool { rows, columns };

/// The product with both factors rounded to bfloat16 and everything else in the type of b. The sums of the backward
/// pass are bfloat16 products (accumulated in float32, the result rounded), as those of hidden layers are.
struct RoundedLinear : torch::autograd::Function<RoundedLinear> {
  static at::Tensor value(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool layout) {
    const at::ScalarType type = bias.scalar_type();
    if (layout == columns) return at::addmm(bias.unsqueeze(1), weight.to(type), x.to(type));
    return at::linear(x.to(type), weight.to(type), bias);
  }
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x_given, const at::Tensor& weight_given,
                            const at::Tensor& bias, bool layout) {
    const at::Tensor x = narrow_type(x_given), weight = narrow_type(weight_given);
    context->save_for_backward({x, weight});
    context->saved_data["x_type"] = x_given.scalar_type();
    context->saved_data["weight_type"] = weight_given.scalar_type();
    context->saved_data["columns"] = layout == columns;
    return value(x, weight, bias, layout);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const bool by_columns = context->saved_data["columns"].toBool();
    // [n_outputs, n] and [n_inputs, n], whatever the layout.
    const at::Tensor gradient = by_columns ? gradients[0] : gradients[0].reshape({-1, weight.size(0)}).t();
    const at::Tensor x_columns = by_columns ? x : x.reshape({-1, weight.size(1)}).t();
    const at::Tensor narrow = narrow_type(gradient);
    variable_list result(4);
    if (context->needs_input_grad(0)) {
      const at::Tensor x_gradient =
          by_columns ? at::mm(weight.t(), narrow) : at::mm(narrow.t(), weight).view(x.sizes());
      result[0] = x_gradient.to(context->saved_data["x_type"].toScalarType());
    }
    if (context->needs_input_grad(1))
      result[1] = at::mm(narrow, x_columns.t()).to(context->saved_data["weight_type"].toScalarType());
    if (context->needs_input_grad(2)) result[2] = gradient.sum(1);
    return result;
  }
};

at::Tensor rounded_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, Layout layout) {
  if (at::GradMode::is_enabled()) return RoundedLinear::apply(x, weight, bias, layout == columns);
  return RoundedLinear::value(narrow_type(x), narrow_type(weight), bias, layout == columns);
}

}  // namespace

at::Tensor linear_of_columns(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                             ConditionerPrecision precision, ProductResult result) {
  if (precision != ConditionerPrecision::bfloat16) return at::addmm(bias.unsqueeze(1), weight, x);
  if (result == ProductResult::output) return rounded_linear(x, weight, bias, columns);
  return at::addmm(bias.to(at::kBFloat16).unsqueeze(1), weight.to(at::kBFloat16), x.to(at::kBFloat16));
}

at::Tensor linear_of_rows(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x,
                          ConditionerPrecision precision, ProductResult result) {
  if (precision != ConditionerPrecision::bfloat16) return at::linear(x, weight, bias);
  if (result == ProductResult::output) return rounded_linear(x, weight, bias, rows);
  return at::linear(x.to(at::kBFloat16), weight.to(at::kBFloat16), bias.defined() ? bias.to(at::kBFloat16) : bias);
}

}  // namespace boltzflow
