// SPDX-License-Identifier: MIT
// The composite tensor version, the kernels and the autograd node against each other.
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/coordinates/composite_internal_coordinates.hpp"
#include "coordinates/coordinates_test_systems.hpp"

namespace boltzflow {
namespace {

double largest(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// [n, dimension] from [dimension, n].
at::Tensor rows(std::vector<double>& z, std::int64_t n) {
  return at::from_blob(z.data(), {static_cast<std::int64_t>(z.size()) / n, n}, at::kDouble).t().clone();
}

std::vector<MolecularSystem> systems() {
  auto constrained = ethylamine();
  constrained.constraints = {{0, 3, 0.108}, {2, 8, 0.1}};
  return {alanine_dipeptide(), constrained, chiral_aldehyde(), formamide()};
}

TEST(CompositeInternalCoordinates, AgreesWithTheNodeInValueAndGradient) {
  for (const auto& system : systems()) {
    const InternalCoordinates coordinates(system);
    const CompositeInternalCoordinates composite(coordinates);
    auto samples = base_samples(coordinates, 37, 61);
    samples[0] = 1.5, samples[38] = -0.5;  // clamped
    for (const auto type : {at::kDouble, at::kFloat}) {
      const at::Tensor z1 = rows(samples, 37).to(type).requires_grad_(), z2 = z1.detach().clone().requires_grad_();
      const auto a = composite.to_cartesian(z1), b = internal_coordinates_node(coordinates, z2);
      const bool single = type == at::kFloat;
      EXPECT_LE(largest(a.positions, b.positions), single ? 3e-6 : 1e-13);
      EXPECT_LE(largest(a.log_det, b.log_det), single ? 1e-5 : 1e-12);
      at::manual_seed(5);
      const at::Tensor cotangent = at::randn_like(a.positions), weight = at::randn_like(a.log_det);
      const auto g1 = torch::autograd::grad(
          {(a.positions * cotangent).sum().to(at::kDouble) + (a.log_det * weight).sum()}, {z1})[0];
      const auto g2 = torch::autograd::grad(
          {(b.positions * cotangent).sum().to(at::kDouble) + (b.log_det * weight).sum()}, {z2})[0];
      EXPECT_LE(largest(g1, g2), (single ? 1e-4 : 1e-11) * g1.abs().max().item<double>()) << system.name;
      // log_det alone: the positions' gradient arrives undefined.
      const auto only = internal_coordinates_node(coordinates, z2);
      const auto reference = composite.to_cartesian(z1);
      EXPECT_LE(largest(torch::autograd::grad({only.log_det.sum()}, {z2})[0],
                        torch::autograd::grad({reference.log_det.sum()}, {z1})[0]),
                single ? 1e-4 : 1e-11);
    }
  }
}

TEST(CompositeInternalCoordinates, InverseAgreesWithTheKernelInValueAndGradient) {
  for (const auto& system : systems()) {
    const InternalCoordinates coordinates(system);
    const CompositeInternalCoordinates composite(coordinates);
    constexpr std::int64_t n = 29;
    const auto d = static_cast<std::size_t>(coordinates.dimension()),
               width = 3 * static_cast<std::size_t>(system.n_atoms());
    auto samples = base_samples(coordinates, n, 67);
    at::Tensor x = composite.to_cartesian(rows(samples, n)).positions.detach();
    at::manual_seed(6);
    x = x + 0.003 * at::randn_like(x);  // some leave the range of a bond
    x.requires_grad_();
    const auto inverse = composite.from_cartesian(x);
    const std::span<const double> positions(x.const_data_ptr<double>(), n * width);
    std::vector<double> z(n * d), log_det(n), gradient(n * width);
    std::vector<std::uint8_t> representable(n);
    coordinates.from_cartesian(positions, z, log_det, representable);
    EXPECT_LE(largest(inverse.z, rows(z, n)), 1e-12);
    EXPECT_LE(largest(inverse.log_det, at::from_blob(log_det.data(), {n}, at::kDouble)), 1e-12);
    for (std::int64_t s = 0; s < n; ++s)
      EXPECT_EQ(inverse.representable[s].item<bool>(), representable[static_cast<std::size_t>(s)] != 0);
    const at::Tensor cotangent = at::randn_like(inverse.z), weight = at::randn_like(inverse.log_det);
    const auto expected =
        torch::autograd::grad({(inverse.z * cotangent).sum() + (inverse.log_det * weight).sum()}, {x})[0];
    const at::Tensor columns = cotangent.t().contiguous();
    coordinates.from_cartesian_gradient(positions, {columns.const_data_ptr<double>(), n * d},
                                        {weight.const_data_ptr<double>(), static_cast<std::size_t>(n)}, gradient);
    EXPECT_LE(largest(expected, at::from_blob(gradient.data(), {n, system.n_atoms(), 3}, at::kDouble)),
              1e-10 * expected.abs().max().item<double>())
        << system.name;
  }
}

// The determinant of the composite's own autograd Jacobian, by the metric tensor: sqrt det(J^T J) of the 60 x 66
// Jacobian is no use, for the rigid motions matter; so they are appended, as in the finite-difference test, and nothing
// is truncated.
TEST(CompositeInternalCoordinates, LogDetIsThatOfTheAutogradJacobian) {
  const auto& system = alanine_dipeptide();
  const InternalCoordinates coordinates(system);
  const CompositeInternalCoordinates composite(coordinates);
  auto samples = base_samples(coordinates, 2, 71);
  const at::Tensor z = rows(samples, 2).requires_grad_();
  const auto out = composite.to_cartesian(z);
  const at::Tensor x = out.positions.detach();
  at::Tensor jacobian = at::zeros({2, 66, 66}, at::kDouble);
  for (int i = 0; i < 66; ++i)
    jacobian.select(1, i).narrow(1, 0, 60).copy_(
        torch::autograd::grad({out.positions.flatten(1).select(1, i).sum()}, {z}, {}, true)[0]);
  for (int k = 0; k < 3; ++k) {
    at::Tensor axis = at::zeros({3}, at::kDouble);
    axis[k] = 1;
    jacobian.select(2, 60 + k).copy_(axis.repeat({22}).expand({2, 66}));
    jacobian.select(2, 63 + k).copy_(at::linalg_cross(axis.expand_as(x), x, -1).flatten(1));
  }
  const at::Tensor expected = std::get<1>(at::linalg_slogdet(jacobian)) + 2 * std::log(2 * pi);
  EXPECT_LE(largest(out.log_det.detach(), expected), 1e-10);
}

TEST(CompositeInternalCoordinates, WrongShapesAndTypesAreErrors) {
  const InternalCoordinates coordinates(alanine_dipeptide());
  const CompositeInternalCoordinates composite(coordinates);
  EXPECT_THROW(composite.to_cartesian(at::zeros({3, 59})), InputError);
  EXPECT_THROW(composite.to_cartesian(at::zeros({3, 60}, at::kInt)), InputError);
  EXPECT_THROW(composite.from_cartesian(at::zeros({3, 66})), InputError);
  EXPECT_THROW(internal_coordinates_node(coordinates, at::zeros({60})), InputError);
  EXPECT_THROW(internal_coordinates_node(coordinates, at::zeros({3, 60}, at::kHalf)), InputError);
}

}  // namespace
}  // namespace boltzflow
