// SPDX-License-Identifier: MIT
#include "boltzflow/flow/continuous/continuous_flow.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <limits>

#include "boltzflow/base/threads.hpp"
#include "boltzflow/flow/continuous/dormand_prince.hpp"

namespace boltzflow {

ContinuousFlow::ContinuousFlow(std::unique_ptr<VelocityField> velocity, ContinuousFlowOptions options)
    : EuclideanDensity(velocity->dimension()), velocity_(std::move(velocity)), options_(std::move(options)) {}

std::unique_ptr<Density> ContinuousFlow::copy() const {
  return std::make_unique<ContinuousFlow>(velocity_->copy(), options_);
}

void ContinuousFlow::set_tolerances(double absolute, double relative) {
  options_.absolute_tolerance = absolute;
  options_.relative_tolerance = relative;
}

ContinuousFlow::LogDet ContinuousFlow::log_det_kind() const {
  return options_.divergence == "exact" ? LogDet::exact : LogDet::estimated;
}

Density::Mapped ContinuousFlow::forward(const at::Tensor& base, ConditionerPrecision) const {
  const MappedWithError result = integrate(Direction::forward, base, log_det_kind());
  return {result.x, result.log_det};
}

Density::Mapped ContinuousFlow::inverse(const at::Tensor& z, ConditionerPrecision) const {
  const MappedWithError result = integrate(Direction::inverse, z, log_det_kind());
  return {result.x, result.log_det};
}

at::Tensor ContinuousFlow::transport(const at::Tensor& base) const {
  return integrate(Direction::forward, base, LogDet::none).x;
}

ContinuousFlow::MappedWithError ContinuousFlow::with_standard_error(Direction direction, const at::Tensor& x) const {
  return integrate(direction, x, log_det_kind());
}

at::Tensor ContinuousFlow::probes(std::int64_t n_samples) const {
  const std::int64_t n_probes = options_.n_probes;
  at::Tensor signs = at::empty({n_probes, n_samples, dimension()}, at::kFloat);
  float* values = signs.mutable_data_ptr<float>();
  parallel_for(n_samples, 64, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      const RandomStream of_row(static_cast<std::uint64_t>(options_.probe_seed), static_cast<std::uint64_t>(row));
      for (std::int64_t m = 0; m < n_probes; ++m) {
        RandomStream random = of_row.child(static_cast<std::uint64_t>(m));
        float* probe = values + (m * n_samples + row) * dimension();
        for (int j = 0; j < dimension(); ++j) probe[j] = (random() >> 31) != 0 ? 1.0f : -1.0f;
      }
    }
  });
  return signs;
}

ContinuousFlow::MappedWithError ContinuousFlow::integrate_block(Direction direction, const at::Tensor& x,
                                                                const at::Tensor& probes, LogDet log_det) const {
  const at::ScalarType type = velocity_->parameters().front().scalar_type();
  const at::TensorOptions float64 = x.options().dtype(at::kDouble);
  OdeState start{{x.to(at::kDouble)}};
  if (log_det == LogDet::exact) start.components.push_back(at::zeros({x.size(0)}, float64));
  if (log_det == LogDet::estimated) start.components.push_back(at::zeros({x.size(0), probes.size(0)}, float64));
  const auto right_hand_side = [&](const OdeState& state, double t) {
    const at::Tensor point = state.components[0].to(type);
    const at::Tensor time = at::full({1}, t, point.options());
    if (log_det == LogDet::none)
      return OdeState{{velocity_->velocity(point, time, ConditionerPrecision::float32).to(at::kDouble)}};
    const VelocityField::WithDivergence field = log_det == LogDet::exact
                                                    ? velocity_->with_exact_divergence(point, time)
                                                    : velocity_->with_estimated_divergence(point, time, probes);
    return OdeState{{field.velocity.to(at::kDouble), field.divergence.to(at::kDouble)}};
  };
  const double begin = direction == Direction::forward ? 0 : 1;
  const OdeSolution solution =
      integrate_dormand_prince(right_hand_side, std::move(start), begin, 1 - begin,
                               {options_.absolute_tolerance, options_.relative_tolerance, options_.maximum_steps});
  MappedWithError result{solution.state.components[0].to(type), {}, {}, solution.n_evaluations};
  if (log_det == LogDet::none) return result;
  const at::Tensor& integral = solution.state.components[1];
  if (log_det == LogDet::exact) {
    result.log_det = integral;
    result.standard_error = at::zeros_like(integral);
  } else {
    const std::int64_t n_probes = integral.size(1);
    result.log_det = integral.mean(1);
    result.standard_error = n_probes > 1 ? (integral.var(1, /*unbiased=*/true) / static_cast<double>(n_probes)).sqrt()
                                         : at::full_like(result.log_det, std::numeric_limits<double>::quiet_NaN());
  }
  return result;
}

ContinuousFlow::MappedWithError ContinuousFlow::integrate(Direction direction, const at::Tensor& x,
                                                          LogDet log_det) const {
  const c10::AutoGradMode no_gradients(false);
  const at::Tensor start = checked(x).detach();
  const std::int64_t n = start.size(0);
  at::Tensor signs;
  if (log_det == LogDet::estimated) signs = probes(n).to(start.device());
  // A device wants all samples at once; a CPU what its caches hold, and something for each thread.
  const std::int64_t block = start.is_cpu() ? velocity_->cpu_batch() : std::max<std::int64_t>(n, 1);
  const std::int64_t n_blocks = (n + block - 1) / block;
  std::vector<MappedWithError> parts(static_cast<std::size_t>(n_blocks));
  parallel_for(n_blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
    const c10::AutoGradMode no_gradients_here(false);  // the mode belongs to the thread
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * block, count = std::min(block, n - first);
      parts[static_cast<std::size_t>(b)] = integrate_block(
          direction, start.narrow(0, first, count), signs.defined() ? signs.narrow(1, first, count) : signs, log_det);
    }
  });
  const at::TensorOptions float64 = start.options().dtype(at::kDouble);
  MappedWithError whole{at::empty_like(start), {}, {}, 0};
  if (log_det != LogDet::none) {
    whole.log_det = at::empty({n}, float64);
    whole.standard_error = at::empty({n}, float64);
  }
  std::int64_t n_evaluations = 0;
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    const MappedWithError& part = parts[static_cast<std::size_t>(b)];
    const std::int64_t first = b * block, count = part.x.size(0);
    whole.x.narrow(0, first, count).copy_(part.x);
    n_evaluations += part.n_evaluations;
    if (log_det == LogDet::none) continue;
    whole.log_det.narrow(0, first, count).copy_(part.log_det);
    whole.standard_error.narrow(0, first, count).copy_(part.standard_error);
  }
  whole.n_evaluations = n_blocks > 0 ? (n_evaluations + n_blocks - 1) / n_blocks : 0;
  return whole;
}

}  // namespace boltzflow
