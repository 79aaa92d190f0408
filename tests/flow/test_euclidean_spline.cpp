// SPDX-License-Identifier: MIT
// The spline with tails: plain tensor operations against the reference, the fused node against plain operations.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <vector>

#include "boltzflow/base/random.hpp"
#include "boltzflow/flow/euclidean/spline_map.hpp"
#include "boltzflow/flow/reference/rational_quadratic_spline.hpp"

namespace boltzflow {
namespace {

at::Tensor normals(std::vector<std::int64_t> sizes, double scale, std::uint64_t seed) {
  RandomStream random(seed);
  at::Tensor result = at::empty(sizes, at::kDouble);
  double* values = result.mutable_data_ptr<double>();
  for (std::int64_t i = 0; i < result.numel(); ++i) values[i] = scale * random.normal();
  return result;
}

double largest(const at::Tensor& x) { return x.detach().to(at::kDouble).abs().max().item<double>(); }

TailedSplineShape shape_of(int n_bins, bool shifts_and_scales) {
  return {n_bins, 3.0, 1e-3, 1e-3, shifts_and_scales, 1.5};
}

/// Points inside and outside the bound of 3, the first four of them those given.
at::Tensor points(std::int64_t m, std::int64_t n, const std::vector<double>& first) {
  const at::Tensor x = normals({m, n}, 2.0, 1);
  x.narrow(1, 0, 4).copy_(at::tensor(first));
  return x;
}

TEST(TailedSpline, IsTheReferenceInsideAndTheIdentityOutside) {
  for (const int k : {2, 5, 8}) {
    const TailedSplineShape shape = shape_of(k, false);
    const std::int64_t m = 3, n = 60;
    const at::Tensor x = points(m, n, {-3.0, 3.0, 3.0 + 1e-6, -1e5}),
                     parameters = normals({m * shape.n_parameters(), n}, 1.5, 2);
    for (const bool inverse : {false, true}) {
      const auto mapped = composite_tailed_spline(shape, x, parameters, inverse);
      std::vector<double> log_det(n, 0.0);
      for (std::int64_t j = 0; j < m; ++j) {
        for (std::int64_t i = 0; i < n; ++i) {
          const double at = x[j][i].item<double>();
          double expected = at;
          if (std::abs(at) <= 3) {
            std::vector<double> p(shape.n_parameters());
            for (std::size_t r = 0; r < p.size(); ++r)
              p[r] = parameters[j * shape.n_parameters() + static_cast<std::int64_t>(r)][i].item<double>();
            std::vector<double> slopes(p.begin() + 2 * k, p.end());
            slopes.insert(slopes.begin(), shape.unit_slope_parameter());
            slopes.push_back(shape.unit_slope_parameter());
            const std::vector<double> widths(p.begin(), p.begin() + k), heights(p.begin() + k, p.begin() + 2 * k);
            const reference::RationalQuadraticSpline spline(widths, heights, slopes, 1e-3, 1e-3);
            const auto value = inverse ? spline.inverse((at + 3) / 6) : spline.forward((at + 3) / 6);
            expected = 6 * value.y - 3;
            log_det[static_cast<std::size_t>(i)] += value.log_derivative;
          }
          EXPECT_NEAR(mapped.x[j][i].item<double>(), expected, 1e-10);
        }
      }
      for (std::int64_t i = 0; i < n; ++i)
        EXPECT_NEAR(mapped.log_det[i].item<double>(), log_det[static_cast<std::size_t>(i)], 1e-9);
    }
  }
}

TEST(TailedSpline, FusedAgreesWithPlainTensorOperations) {
  for (const int k : {5, 8}) {
    for (const bool shifts : {false, true}) {
      const TailedSplineShape shape = shape_of(k, shifts);
      for (const std::int64_t n : {5, 64, 333}) {
        const std::int64_t m = 4;
        // Not on the bound itself, where derivatives jump.
        const at::Tensor x64 = points(m, n, {-2.99, 2.99, 3.01, -1e5}),
                         parameters64 = normals({m * shape.n_parameters(), n}, 1.0, 3);
        const at::Tensor weights = normals({m, n}, 1, 4), log_det_weights = normals({n}, 1, 5);
        for (const bool inverse : {false, true}) {
          std::vector<at::Tensor> results[2];
          for (const bool fused : {false, true}) {
            const auto type = fused ? at::kFloat : at::kDouble;
            const at::Tensor x = x64.to(at::kFloat).to(type).detach().requires_grad_(true);
            const at::Tensor parameters = parameters64.to(at::kFloat).to(type).detach().requires_grad_(true);
            const auto mapped = fused ? fused_tailed_spline(shape, x, parameters, inverse)
                                      : composite_tailed_spline(shape, x, parameters, inverse);
            const at::Tensor loss =
                (mapped.x * weights.to(type)).sum() + (mapped.log_det * log_det_weights.to(type)).sum();
            const auto gradients = torch::autograd::grad({loss}, {x, parameters});
            results[fused ? 1 : 0] = {mapped.x, mapped.log_det, gradients[0], gradients[1]};
          }
          // float32: x / (2 B) is good to 1e-7, slopes reach 20 here and derivatives of their logarithms 200.
          const double bounds[] = {2e-5, 5e-4, 5e-3, 5e-3};
          for (std::size_t r = 0; r < 4; ++r) {
            const at::Tensor apart = (results[0][r] - results[1][r]) / (1 + results[0][r].abs());
            EXPECT_LE(at::quantile(apart.abs().flatten(), 0.99).item<double>(), bounds[r])
                << "result " << r << ", " << k << " bins, " << n << " samples, inverse " << inverse;
          }
        }
      }
    }
  }
}

TEST(TailedSpline, IdentityParametersGiveTheIdentity) {
  EuclideanFlowOptions options;
  const SplineMap map(spline_shape(options));
  const at::Tensor row = at::tensor(map.identity_parameters());
  const at::Tensor x = points(1, 100, {-5.0, 5.0, 5.0 + 1e-6, 1e5}).to(at::kFloat);
  const auto mapped = map.map(x, row.unsqueeze(1).expand({-1, 100}).contiguous(), false);
  EXPECT_LE(largest(mapped.x - x), 2e-6);
  EXPECT_LE(largest(mapped.log_det), 1e-6);
}

}  // namespace
}  // namespace boltzflow
