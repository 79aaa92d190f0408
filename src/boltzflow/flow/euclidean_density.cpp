// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean_density.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t batch_without_gradients = 4096;  // samples

}  // namespace

at::Tensor EuclideanDensity::checked(const at::Tensor& x) const {
  if (x.dim() != 2 || x.size(1) != dimension_)
    throw InputError(
        fmt::format("a flow of {} dimensions needs samples [n_samples, {}], not a tensor of {} dimensions, {} values",
                    dimension_, dimension_, x.dim(), x.numel()));
  const at::Tensor parameter = parameters().front();
  return x.to(parameter.device(), parameter.scalar_type());
}

at::Tensor EuclideanDensity::base_log_prob(const at::Tensor& x) const {
  return -0.5 * x.square().sum(1) - 0.5 * dimension_ * std::log(2 * std::numbers::pi);
}

at::Tensor EuclideanDensity::base_sample(std::int64_t n_samples, RandomStream& random) const {
  if (n_samples < 0) throw InputError(fmt::format("cannot draw {} samples", n_samples));
  const std::uint64_t high = random();
  const std::uint64_t key = high << 32 | random();
  at::Tensor x = at::empty({n_samples, dimension_}, at::kFloat);
  float* values = x.mutable_data_ptr<float>();
  parallel_for(n_samples, 64, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i) {
      RandomStream row(key, static_cast<std::uint64_t>(i));
      for (int j = 0; j < dimension_; ++j) values[i * dimension_ + j] = static_cast<float>(row.normal());
    }
  });
  return x.to(parameters().front().device());
}

void EuclideanDensity::in_batches(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) const {
  const c10::NoGradGuard no_grad;
  for (std::int64_t first = 0; first < n; first += batch_without_gradients)
    work(first, std::min(batch_without_gradients, n - first));
}

Density::Sample EuclideanDensity::sample(std::int64_t n_samples, RandomStream& random,
                                         ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  Sample result{base_sample(n_samples, random), {}};
  result.log_prob = at::empty({n_samples}, result.z.options().dtype(at::kDouble));
  in_batches(n_samples, [&](std::int64_t first, std::int64_t count) {
    at::Tensor part = result.z.narrow(0, first, count);
    const Mapped mapped = forward(part, precision);
    result.log_prob.narrow(0, first, count).copy_(base_log_prob(part.to(at::kDouble)) - mapped.log_det);
    part.copy_(mapped.x);
  });
  return result;
}

at::Tensor EuclideanDensity::log_prob_no_grad(const at::Tensor& z, ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  if (z.dim() != 2) checked(z);  // throws
  at::Tensor result = at::empty({z.size(0)}, parameters().front().options().dtype(at::kDouble).requires_grad(false));
  in_batches(z.size(0), [&](std::int64_t first, std::int64_t count) {
    const Mapped mapped = inverse(z.narrow(0, first, count), precision);
    result.narrow(0, first, count).copy_(base_log_prob(mapped.x.to(at::kDouble)) + mapped.log_det);
  });
  return result;
}

}  // namespace boltzflow
