// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cstdint>
#include <span>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/composite_internal_coordinates.hpp"

namespace boltzflow {
namespace {

using at::Tensor;

template <class Scalar>
std::span<Scalar> values(const Tensor& tensor) {
  return {tensor.data_ptr<Scalar>(), static_cast<std::size_t>(tensor.numel())};
}
template <class Scalar>
std::span<const Scalar> constant(const Tensor& tensor) {
  return {tensor.const_data_ptr<Scalar>(), static_cast<std::size_t>(tensor.numel())};
}

/// The kernels are feature-major: z comes and its gradient leaves transposed.
struct Node : torch::autograd::Function<Node> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const Tensor& z,
                                                std::int64_t coordinates_address) {
    const auto& coordinates = *reinterpret_cast<const InternalCoordinates*>(coordinates_address);
    const Tensor columns = z.t().contiguous();
    Tensor positions = at::empty({z.size(0), coordinates.n_atoms(), 3}, z.options());
    Tensor log_det = at::empty({z.size(0)}, z.options().dtype(at::kDouble));
    if (z.scalar_type() == at::kFloat)
      coordinates.to_cartesian(constant<float>(columns), values<float>(positions), values<double>(log_det));
    else
      coordinates.to_cartesian(constant<double>(columns), values<double>(positions), values<double>(log_det));
    context->save_for_backward({columns});
    context->saved_data["coordinates"] = coordinates_address;
    return {positions, log_det};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto& coordinates = *reinterpret_cast<const InternalCoordinates*>(context->saved_data["coordinates"].toInt());
    const Tensor columns = context->get_saved_variables()[0];
    const std::int64_t n_samples = columns.size(1);
    const Tensor x = gradients[0].defined() ? gradients[0].contiguous()
                                            : at::zeros({n_samples, coordinates.n_atoms(), 3}, columns.options());
    const Tensor log_det = gradients[1].defined() ? gradients[1].contiguous()
                                                  : at::zeros({n_samples}, columns.options().dtype(at::kDouble));
    Tensor z = at::empty_like(columns);
    if (columns.scalar_type() == at::kFloat)
      coordinates.to_cartesian_gradient(constant<float>(columns), constant<float>(x), constant<double>(log_det),
                                        values<float>(z));
    else
      coordinates.to_cartesian_gradient(constant<double>(columns), constant<double>(x), constant<double>(log_det),
                                        values<double>(z));
    return {z.t(), Tensor()};
  }
};

}  // namespace

CompositeInternalCoordinates::Cartesian internal_coordinates_node(const InternalCoordinates& coordinates,
                                                                  const Tensor& z) {
  if (!z.device().is_cpu())
    throw InputError(
        "internal_coordinates_node: z must be a CPU tensor; other devices use CompositeInternalCoordinates");
  if (z.scalar_type() != at::kFloat && z.scalar_type() != at::kDouble)
    throw InputError("internal_coordinates_node: z must be float32 or float64");
  if (z.dim() != 2 || z.size(1) != coordinates.dimension())
    throw InputError(fmt::format("internal_coordinates_node: z must be [n_samples, {}]", coordinates.dimension()));
  const auto out = Node::apply(z, reinterpret_cast<std::int64_t>(&coordinates));
  return {out[0], out[1]};
}

}  // namespace boltzflow
