// SPDX-License-Identifier: MIT
#include "boltzflow/flow/spline_flow.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/base_density.hpp"
#include "boltzflow/flow/composite_coupling.hpp"
#include "boltzflow/flow/coupling_layer.hpp"
#include "boltzflow/flow/coupling_plan.hpp"
#include "boltzflow/flow/parameter_initialization.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t composite_chunk =
    4096;                                    // samples of a pass without gradients; bounds the composite's temporaries
constexpr std::int64_t fused_chunk = 65536;  // bounds the buffers beside the fused pass, which works in blocks itself

std::vector<unsigned char> circular_flags(const std::vector<FlowDimension>& dimensions) {
  std::vector<unsigned char> flags;
  for (const auto& dimension : dimensions) flags.push_back(dimension.circular ? 1 : 0);
  return flags;
}

}  // namespace

struct SplineFlow::Implementation {
  std::vector<FlowDimension> dimensions;
  SplineFlowOptions options;
  BaseDensity base;
  std::vector<CouplingLayer> fused;
  std::vector<CompositeCoupling> composite;
  std::vector<at::Tensor> parameters;  // leaves, shared with `fused` where they are on the CPU
  at::Device device = at::kCPU;
  bool composite_on_cpu = false;

  Implementation(std::vector<FlowDimension> dimensions_given, SplineFlowOptions options_given)
      : dimensions(std::move(dimensions_given)), options(std::move(options_given)), base(circular_flags(dimensions)) {
    for (CouplingLayout& layout : coupling_plan(dimensions, options)) {
      composite.emplace_back(layout);
      fused.emplace_back(std::move(layout));
    }
  }

  void set_parameters(std::vector<at::Tensor> leaves) {
    parameters = std::move(leaves);
    if (!device.is_cpu()) return;
    for (std::size_t l = 0; l < fused.size(); ++l) fused[l].set_parameters(parameters[l]);
  }

  bool uses_composite() const { return composite_on_cpu || !device.is_cpu(); }

  at::Tensor checked(const at::Tensor& x) const {
    if (x.dim() != 2 || x.size(1) != static_cast<std::int64_t>(dimensions.size())) {
      throw InputError(
          fmt::format("a flow of {} dimensions needs samples [n_samples, {}], not a tensor of {} dimensions, {} values",
                      dimensions.size(), dimensions.size(), x.dim(), x.numel()));
    }
    return x.to(device, at::kFloat);
  }

  Mapped map(CouplingDirection direction, const at::Tensor& x_given, ConditionerPrecision precision) const {
    at::Tensor x = checked(x_given), log_det;
    if (x.size(0) == 0) return {x, x.sum(1)};
    const auto add = [&](const auto& mapped) {
      x = mapped.x;
      log_det = log_det.defined() ? log_det + mapped.log_det : mapped.log_det;
    };
    if (!uses_composite()) x = x.t().contiguous();
    for (std::size_t step = 0; step < fused.size(); ++step) {
      const std::size_t l = direction == CouplingDirection::forward ? step : fused.size() - 1 - step;
      if (uses_composite()) {
        add(composite[l].map(direction, parameters[l], x, precision));
      } else {
        add(fused[l].map(direction, x, precision));
      }
    }
    return {uses_composite() ? x : x.t().contiguous(), log_det};
  }

  /// Without gradients, any number of samples: y [n, dimension] (may be x) and log_det [n], both contiguous on the CPU.
  void map_without_gradients(CouplingDirection direction, ConditionerPrecision precision, const at::Tensor& x,
                             at::Tensor& y, double* log_det) const {
    const std::int64_t n = x.size(0);
    if (!uses_composite()) {
      map_through(std::span(fused), direction, precision, n, x.const_data_ptr<float>(), y.mutable_data_ptr<float>(),
                  log_det);
      return;
    }
    for (std::int64_t first = 0; first < n; first += composite_chunk) {
      const std::int64_t count = std::min(composite_chunk, n - first);
      const Mapped mapped = map(direction, x.narrow(0, first, count), precision);
      y.narrow(0, first, count).copy_(mapped.x);
      const auto change = mapped.log_det.to(at::kCPU, at::kDouble).contiguous();
      std::copy_n(change.const_data_ptr<double>(), count, log_det + first);
    }
  }

  at::Tensor base_sample_on_cpu(std::int64_t n_samples, RandomStream& random) const {
    if (n_samples < 0) throw InputError(fmt::format("cannot draw {} samples", n_samples));
    const std::uint64_t high = random();
    const std::uint64_t key = high << 32 | random();
    at::Tensor x = at::empty({n_samples, base.dimension()}, at::kFloat);
    base.sample(key, 0, n_samples, x.mutable_data_ptr<float>());
    return x;
  }
};

SplineFlow::SplineFlow(std::vector<FlowDimension> dimensions, SplineFlowOptions options,
                       std::uint64_t initialization_seed)
    : implementation_(std::make_unique<Implementation>(std::move(dimensions), std::move(options))) {
  Implementation& self = *implementation_;
  std::vector<at::Tensor> leaves;
  for (const auto& layer : self.fused) leaves.push_back(at::empty({layer.n_parameters()}, at::kFloat));
  const auto n_layers = static_cast<std::int64_t>(leaves.size());
  std::vector<float*> values;
  for (auto& leaf : leaves) values.push_back(leaf.mutable_data_ptr<float>());
  parallel_for(n_layers, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (auto l = static_cast<std::size_t>(begin); l < static_cast<std::size_t>(end); ++l) {
      const auto& layer = self.fused[l];
      initialize_parameters(layer.layout(), initialization_seed, l,
                            std::span(values[l], static_cast<std::size_t>(layer.n_parameters())));
    }
  });
  for (auto& leaf : leaves) leaf.requires_grad_(true);
  self.set_parameters(std::move(leaves));
}
SplineFlow::SplineFlow(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}
SplineFlow::~SplineFlow() = default;
SplineFlow::SplineFlow(SplineFlow&&) noexcept = default;
SplineFlow& SplineFlow::operator=(SplineFlow&&) noexcept = default;

SplineFlow::Mapped SplineFlow::forward(const at::Tensor& base, ConditionerPrecision precision) const {
  return implementation_->map(CouplingDirection::forward, base, precision);
}
SplineFlow::Mapped SplineFlow::inverse(const at::Tensor& z, ConditionerPrecision precision) const {
  return implementation_->map(CouplingDirection::inverse, z, precision);
}
SplineFlow::Sample SplineFlow::sample(std::int64_t n_samples, RandomStream& random,
                                      ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  const Implementation& self = *implementation_;
  at::Tensor z = self.base_sample_on_cpu(n_samples, random);
  at::Tensor log_prob = at::empty({n_samples}, at::kDouble), log_det = at::empty({n_samples}, at::kDouble);
  self.base.log_prob(z.const_data_ptr<float>(), n_samples, log_prob.mutable_data_ptr<double>());
  self.map_without_gradients(CouplingDirection::forward, precision, z, z, log_det.mutable_data_ptr<double>());
  log_prob.sub_(log_det);
  return {z.to(self.device), log_prob.to(self.device)};
}

at::Tensor SplineFlow::log_prob_no_grad(const at::Tensor& z, ConditionerPrecision precision) const {
  const c10::NoGradGuard no_grad;
  const Implementation& self = *implementation_;
  const std::int64_t n = z.size(0);
  at::Tensor log_prob = at::empty({n}, at::kDouble);
  std::vector<double> log_det(static_cast<std::size_t>(std::min(n, fused_chunk)));
  for (std::int64_t first = 0; first < n; first += fused_chunk) {
    const std::int64_t count = std::min(fused_chunk, n - first);
    const at::Tensor part = self.checked(z.narrow(0, first, count)).to(at::kCPU).contiguous();
    at::Tensor base = at::empty_like(part);
    self.map_without_gradients(CouplingDirection::inverse, precision, part, base, log_det.data());
    double* result = log_prob.mutable_data_ptr<double>() + first;
    self.base.log_prob(base.const_data_ptr<float>(), count, result);
    for (std::int64_t i = 0; i < count; ++i) result[i] += log_det[static_cast<std::size_t>(i)];
  }
  return log_prob.to(self.device);
}

at::Tensor SplineFlow::base_log_prob(const at::Tensor& x) const {
  std::vector<float> precisions;
  for (const auto& dimension : implementation_->dimensions) {
    precisions.push_back(dimension.circular ? 0.0f
                                            : static_cast<float>(1 / (BaseDensity::standard_deviation *
                                                                      BaseDensity::standard_deviation)));
  }
  const at::Tensor deviation = x - BaseDensity::mean;
  const at::Tensor half_precision = at::tensor(precisions, at::kFloat).to(x.device()) * -0.5;
  return at::mv(deviation * deviation, half_precision.to(x.scalar_type())) + implementation_->base.log_normalization();
}

at::Tensor SplineFlow::base_sample(std::int64_t n_samples, RandomStream& random) const {
  return implementation_->base_sample_on_cpu(n_samples, random).to(implementation_->device);
}

std::vector<at::Tensor> SplineFlow::parameters() const { return implementation_->parameters; }

void SplineFlow::parameters_changed() const {
  for (const auto& layer : implementation_->fused) layer.parameters_changed();
}

SplineFlow SplineFlow::clone() const {
  auto copy = std::make_unique<Implementation>(implementation_->dimensions, implementation_->options);
  copy->composite_on_cpu = implementation_->composite_on_cpu;
  copy->composite = implementation_->composite;
  copy->device = implementation_->device;
  std::vector<at::Tensor> leaves;
  for (const auto& leaf : implementation_->parameters) leaves.push_back(leaf.detach().clone().requires_grad_(true));
  copy->set_parameters(std::move(leaves));
  return SplineFlow(std::move(copy));
}

void SplineFlow::to_device(const std::string& name) {
  Implementation& self = *implementation_;
  at::Device device = at::kCPU;
  try {
    device = at::Device(name);
  } catch (const c10::Error&) {
    throw InputError(fmt::format("device \"{}\" is neither \"cpu\" nor \"cuda\" nor \"cuda:N\"", name));
  }
  if (!device.is_cpu() && !(device.is_cuda() && at::hasCUDA())) {
    throw UnavailableError(
        fmt::format("device \"{}\" is not available: this build or this machine has no CUDA device; use cpu", name));
  }
  std::vector<at::Tensor> leaves;
  for (const auto& leaf : self.parameters) leaves.push_back(leaf.detach().to(device).requires_grad_(true));
  self.device = device;
  for (auto& layer : self.composite) layer.to_device(device);
  self.set_parameters(std::move(leaves));
}

void SplineFlow::use_composite(bool composite) { implementation_->composite_on_cpu = composite; }

int SplineFlow::dimension() const noexcept { return static_cast<int>(implementation_->dimensions.size()); }
const SplineFlowOptions& SplineFlow::options() const noexcept { return implementation_->options; }
const std::vector<FlowDimension>& SplineFlow::dimensions() const noexcept { return implementation_->dimensions; }

}  // namespace boltzflow
