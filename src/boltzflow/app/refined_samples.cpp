// SPDX-License-Identifier: MIT
#include "boltzflow/app/refined_samples.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>

#include "boltzflow/app/signals.hpp"
#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/threads.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/flow/continuous/continuous_flow.hpp"
#include "boltzflow/flow/spline_flow.hpp"

namespace boltzflow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Particles that an autograd graph holds at once: those of a flow of 16 layers of width 256 take some 100 MB.
constexpr std::size_t batch_size = 2048;

bool all_finite(std::span<const double> values) {
  for (const double value : values)
    if (!std::isfinite(value)) return false;
  return true;
}

/// Which z a step may lead to: all of R^d, or intervals and circles.
class Domain {
 public:
  explicit Domain(const Density& flow) {
    if (const auto* spline = dynamic_cast<const SplineFlow*>(&flow))
      for (const FlowDimension& dimension : spline->dimensions())
        sides_.push_back(dimension.circular ? Side::circle : Side::interval);
  }
  /// z of one sample in place, brought onto the domain; false if it was outside of an interval.
  bool bring_inside(std::span<double> z) const {
    bool inside = true;
    for (std::size_t k = 0; k < sides_.size(); ++k) {
      if (sides_[k] == Side::circle) {
        z[k] -= std::floor(z[k]);
      } else if (!(z[k] >= 0 && z[k] <= 1)) {
        inside = false;
        z[k] = 0.5;  // anywhere that can be evaluated: the value is not used
      }
    }
    return inside;
  }

 private:
  enum class Side { interval, circle };
  std::vector<Side> sides_;  ///< empty: R^d
};

/// log q and u of batches of z [n, dimension], with gradients, for sequential_monte_carlo().
class Target {
 public:
  explicit Target(const TrainedModel& model)
      : flow_(model.generator.flow()),
        coordinates_(model.generator.coordinates()),
        potential_(*model.potential),
        temperature_(model.generator.temperature()),
        dimension_(static_cast<std::size_t>(flow_.dimension())),
        domain_(flow_) {}

  void log_prob(std::span<const double> x, std::span<double> value, std::span<double> gradient) const {
    for_batches(x, value, gradient, -infinity, [this](const std::vector<double>& z, auto values, auto gradients) {
      flow_log_prob(z, values, gradients);
    });
  }
  void reduced_energy(std::span<const double> x, std::span<double> value, std::span<double> gradient) const {
    for_batches(x, value, gradient, infinity,
                [this](const std::vector<double>& z, auto values, auto gradients) { energy(z, values, gradients); });
  }

  /// Positions [n, configuration size] and log|det dx/dz| of z [n, dimension].
  void to_positions(std::span<const double> x, std::vector<double>& positions, std::vector<double>& log_det) const {
    std::vector<double> z(x.begin(), x.end());
    const std::size_t n = x.size() / dimension_;
    for (std::size_t i = 0; i < n; ++i) domain_.bring_inside(std::span(z).subspan(i * dimension_, dimension_));
    positions.resize(n * static_cast<std::size_t>(coordinates_.configuration_size()));
    log_det.resize(n);
    coordinates_.to_cartesian(std::span<const double>(transposed(z, n, dimension_)), positions, log_det);
  }

 private:
  template <class Evaluate>
  void for_batches(std::span<const double> x, std::span<double> value, std::span<double> gradient, double of_no_density,
                   const Evaluate& evaluate) const {
    for (std::size_t begin = 0; begin < value.size(); begin += batch_size) {
      throw_if_stopped("no samples were written");
      const std::size_t n = std::min(batch_size, value.size() - begin);
      const auto part = x.subspan(begin * dimension_, n * dimension_);
      std::vector<double> z(part.begin(), part.end());
      std::vector<bool> outside(n);
      for (std::size_t i = 0; i < n; ++i)
        outside[i] = !all_finite(std::span(z).subspan(i * dimension_, dimension_)) ||
                     !domain_.bring_inside(std::span(z).subspan(i * dimension_, dimension_));
      const auto values = value.subspan(begin, n);
      const auto gradients = gradient.subspan(begin * dimension_, n * dimension_);
      evaluate(z, values, gradients);
      for (std::size_t i = 0; i < n; ++i)
        if (outside[i] || !std::isfinite(values[i]) || !all_finite(gradients.subspan(i * dimension_, dimension_)))
          values[i] = of_no_density;
    }
  }

  void flow_log_prob(const std::vector<double>& z, std::span<double> value, std::span<double> gradient) const {
    // Passes with gradients of a spline flow share their samples among threads themselves; others use one thread.
    const bool one_pass = dynamic_cast<const SplineFlow*>(&flow_) != nullptr || !flow_.parameters().front().is_cpu();
    if (one_pass) return pass(z, value, gradient);
    parallel_for(static_cast<std::int64_t>(value.size()), 64, [&](std::int64_t first, std::int64_t last, int) {
      const auto begin = static_cast<std::size_t>(first), n = static_cast<std::size_t>(last - first);
      pass(std::span(z).subspan(begin * dimension_, n * dimension_), value.subspan(begin, n),
           gradient.subspan(begin * dimension_, n * dimension_));
    });
  }

  void pass(std::span<const double> z, std::span<double> value, std::span<double> gradient) const {
    at::Tensor leaf = at::empty({static_cast<std::int64_t>(value.size()), flow_.dimension()}, at::kDouble);
    std::copy(z.begin(), z.end(), leaf.mutable_data_ptr<double>());
    leaf = leaf.to(flow_.parameters().front().device(), at::kFloat).requires_grad_(true);
    const at::Tensor log_q = flow_.log_prob(leaf, ConditionerPrecision::float32);
    const at::Tensor slope =
        torch::autograd::grad({log_q.sum()}, {leaf}).front().to(at::kCPU, at::kDouble).contiguous();
    const at::Tensor plain = log_q.detach().to(at::kCPU, at::kDouble).contiguous();
    std::copy_n(plain.const_data_ptr<double>(), value.size(), value.begin());
    std::copy_n(slope.const_data_ptr<double>(), gradient.size(), gradient.begin());
  }

  /// u(x(z)) - log|det dx/dz|
  void energy(const std::vector<double>& z, std::span<double> value, std::span<double> gradient) const {
    const std::size_t n = value.size(), size = static_cast<std::size_t>(coordinates_.configuration_size());
    const std::vector<double> feature_major = transposed(z, n, dimension_);
    std::vector<double> positions(n * size), positions_gradient(n * size), log_det(n), z_gradient(n * dimension_);
    coordinates_.to_cartesian(std::span<const double>(feature_major), positions, log_det);
    potential_.energy_and_gradient(std::span<const double>(positions), value, positions_gradient);
    for (double& slope : positions_gradient) slope /= thermal_energy(temperature_);
    for (std::size_t i = 0; i < n; ++i) value[i] = value[i] / thermal_energy(temperature_) - log_det[i];
    coordinates_.to_cartesian_gradient(feature_major, positions_gradient, std::vector<double>(n, -1.0), z_gradient);
    const std::vector<double> sample_major = transposed(z_gradient, dimension_, n);
    std::copy(sample_major.begin(), sample_major.end(), gradient.begin());
  }

  /// [rows, columns] -> [columns, rows]
  static std::vector<double> transposed(std::span<const double> values, std::size_t rows, std::size_t columns) {
    std::vector<double> result(values.size());
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t k = 0; k < columns; ++k) result[k * rows + i] = values[i * columns + k];
    return result;
  }

  const Density& flow_;
  const CoordinateMap& coordinates_;
  const Potential& potential_;
  double temperature_;
  std::size_t dimension_;
  Domain domain_;
};

/// z of independent samples of the flow [n_samples, dimension].
std::vector<double> draw(const TrainedModel& model, std::int64_t n_samples, std::int64_t seed) {
  RandomStream random(static_cast<std::uint64_t>(seed), /*stream=*/0x726566696e65);  // "refine"
  const auto drawn = model.generator.sample(n_samples, random, ConditionerPrecision::float32);
  const at::Tensor z = drawn.z.to(at::kCPU, at::kDouble).contiguous();
  return {z.const_data_ptr<double>(), z.const_data_ptr<double>() + z.numel()};
}

}  // namespace

RefinedSamples refine_samples(const TrainedModel& model, std::int64_t n_samples, std::int64_t seed, SmcOptions options,
                              Progress& progress) {
  if (dynamic_cast<const ContinuousFlow*>(&model.generator.flow()) != nullptr)
    throw ConfigurationError(
        "--refine: the log-likelihood of a continuous flow has no gradient here, which the refinement needs; "
        "train a flow of another architecture on its samples (training.method=regflow, "
        "method.regflow.targets=reflow) and refine those");
  const auto start = std::chrono::steady_clock::now();
  const Target target(model);
  const AnnealingBridge bridge{[&](auto x, auto value, auto gradient) { target.log_prob(x, value, gradient); },
                               [&](auto x, auto value, auto gradient) { target.reduced_energy(x, value, gradient); }};
  options.seed = static_cast<std::uint64_t>(seed);
  const auto dimension = static_cast<std::size_t>(model.generator.flow().dimension());
  const std::vector<double> z = draw(model, n_samples, seed);
  RefinedSamples result;
  {
    std::vector<double> value(static_cast<std::size_t>(n_samples)), gradient(z.size());
    bridge.log_prob(z, value, gradient);
    result.log_weight_before = value;
    bridge.reduced_energy(z, value, gradient);
    for (std::size_t i = 0; i < value.size(); ++i)
      result.log_weight_before[i] = -value[i] - result.log_weight_before[i];
  }
  SmcSamples refined = sequential_monte_carlo(bridge, z, dimension, {}, options, [&](const SmcStage& stage) {
    result.stages.push_back(stage);
    progress.update(fmt::format("refine  beta {:.3g}   ESS {:.1f} %   acceptance {:.2f}   {} temperatures", stage.beta,
                                100 * stage.effective_sample_size, stage.acceptance, result.stages.size()));
  });
  std::vector<double> log_det;
  target.to_positions(refined.x, result.samples.positions, log_det);
  std::set<std::uint32_t> ancestors;
  for (std::size_t i = 0; i < log_det.size(); ++i) {
    refined.log_prob[i] -= log_det[i];
    refined.reduced_energy[i] += log_det[i];
    if (refined.log_weight[i] > -infinity) ancestors.insert(refined.ancestor[i]);
  }
  result.samples.log_prob = std::move(refined.log_prob);
  result.samples.reduced_energy = std::move(refined.reduced_energy);
  result.samples.log_weight = std::move(refined.log_weight);
  result.log_partition_function = refined.log_partition_function;
  result.n_evaluations = refined.n_evaluations + n_samples;
  result.n_ancestors = static_cast<std::int64_t>(ancestors.size());
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace boltzflow
