// SPDX-License-Identifier: MIT
#include "boltzflow/flow/euclidean/euclidean_flow.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/conditioner_products.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t samples_of_a_batch = 1024;  // a pass's temporaries stay near the core's cache

}  // namespace

EuclideanFlow::EuclideanFlow(int dimension, EuclideanFlowOptions options, EuclideanTransforms transforms,
                             FlowTensors tensors)
    : EuclideanDensity(dimension),
      options_(std::move(options)),
      transforms_(std::move(transforms)),
      tensors_(std::move(tensors)) {}

Density::Mapped EuclideanFlow::map(const at::Tensor& x_given, ConditionerPrecision precision, bool inverse) const {
  at::Tensor x = checked(x_given);
  if (x.size(0) == 0) return {x, x.sum(1)};
  x = x.t().contiguous();
  at::Tensor log_det;
  for (std::size_t step = 0; step < transforms_.size(); ++step) {
    const auto& transform = *transforms_[inverse ? transforms_.size() - 1 - step : step];
    const Mapped mapped = inverse ? transform.inverse(x, precision) : transform.forward(x, precision);
    x = mapped.x;
    log_det = log_det.defined() ? log_det + mapped.log_det : mapped.log_det;
  }
  return {x.t().contiguous(), log_det};
}

Density::Mapped EuclideanFlow::forward(const at::Tensor& base, ConditionerPrecision precision) const {
  return map(base, precision, false);
}
Density::Mapped EuclideanFlow::inverse(const at::Tensor& z, ConditionerPrecision precision) const {
  return map(z, precision, true);
}

void EuclideanFlow::in_batches(std::int64_t n, const std::function<void(std::int64_t, std::int64_t)>& work) const {
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    const c10::NoGradGuard no_grad;  // the mode belongs to the thread
    for (std::int64_t first = begin; first < end; first += samples_of_a_batch)
      work(first, std::min(samples_of_a_batch, end - first));
  };
  if (!parameters().front().is_cpu()) return run(0, n);
  parallel_for(n, samples_of_a_batch, [&](std::int64_t begin, std::int64_t end, int) {
    const SerialProducts serial;
    run(begin, end);
  });
}

std::unique_ptr<Density> EuclideanFlow::copy() const {
  auto flow = make_euclidean_flow(dimension(), options_, 0);
  const at::Tensor like = parameters().front();
  flow->tensors_.to_type(like.scalar_type());
  flow->tensors_.to_device(like.device());
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> copied = flow->parameters();
  for (std::size_t k = 0; k < copied.size(); ++k) copied[k].copy_(parameters()[k]);
  return flow;
}

void EuclideanFlow::to_device(const std::string& name) {
  at::Device device = at::kCPU;
  try {
    device = at::Device(name);
  } catch (const c10::Error&) {
    throw InputError(fmt::format("device \"{}\" is neither \"cpu\" nor \"cuda\" nor \"cuda:N\"", name));
  }
  if (!device.is_cpu() && !(device.is_cuda() && at::hasCUDA()))
    throw UnavailableError(
        fmt::format("device \"{}\" is not available: this build or this machine has no CUDA device; use cpu", name));
  tensors_.to_device(device);
}

void EuclideanFlow::to_type(at::ScalarType type) {
  if (type != at::kFloat && type != at::kDouble)
    throw InputError(fmt::format("a flow's parameters are float32 or float64, not {}", at::toString(type)));
  tensors_.to_type(type);
}

}  // namespace boltzflow
