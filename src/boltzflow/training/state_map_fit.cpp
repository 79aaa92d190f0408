// SPDX-License-Identifier: MIT
#include "boltzflow/training/state_map_fit.hpp"
#include "boltzflow/training/regression_regularization.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <vector>

#include "boltzflow/base/errors.hpp"
#include "boltzflow/base/random.hpp"
#include "boltzflow/base/transport/optimal_transport.hpp"
#include "boltzflow/base/units.hpp"
#include "boltzflow/training/adam.hpp"

namespace boltzflow {
namespace {

constexpr std::int64_t most_exact_pairs = 20'000;  // 1.6 GB of costs
constexpr std::uint64_t shuffling_stream = 11, batch_stream = 12;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

struct Pairs {
  at::Tensor a, b;  ///< [n_pairs, dimension] float32
  std::int64_t n_assignments;
};

at::Tensor shuffled(const at::Tensor& points, RandomStream& random) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(points.size(0)));
  for (std::size_t n = 0; n < order.size(); ++n) order[n] = static_cast<std::int64_t>(n);
  for (std::size_t n = order.size(); n > 1; --n) std::swap(order[n - 1], order[random.below(n)]);
  return points.index_select(0, at::tensor(order, at::kLong)).contiguous();
}

std::span<const float> coordinates_of(const at::Tensor& x) {
  return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

Pairs assigned_pairs(const at::Tensor& a, const at::Tensor& b, std::int64_t n_pairs, RandomStream random) {
  const at::Tensor x = shuffled(a.to(at::kFloat), random), y = shuffled(b.to(at::kFloat), random);
  const std::int64_t n = std::min({x.size(0), y.size(0), n_pairs, most_exact_pairs});
  const std::int64_t n_assignments = std::max<std::int64_t>(1, std::min(std::max(x.size(0), y.size(0)), n_pairs) / n);
  std::vector<at::Tensor> from, to;
  for (std::int64_t k = 0; k < n_assignments; ++k) {
    // The smaller set has one part only, which every part of the larger is assigned to.
    const at::Tensor part_x = x.narrow(0, (k % (x.size(0) / n)) * n, n).contiguous();
    const at::Tensor part_y = y.narrow(0, (k % (y.size(0) / n)) * n, n).contiguous();
    const auto target =
        optimal_transport(coordinates_of(part_x), coordinates_of(part_y), static_cast<std::size_t>(x.size(1)))
            .target_of_source;
    from.push_back(part_x);
    to.push_back(part_y.index_select(0, at::tensor(target, at::kInt).to(at::kLong)));
  }
  return {at::cat(from), at::cat(to), n_assignments};
}

void require_settings(const RegflowOptions& options) {
  std::string errors;
  if (options.targets != "optimal-transport")
    errors += "method.regflow.targets: a map between two states has \"optimal-transport\" targets only\n";
  if (options.target_noise > 0)
    errors += "method.regflow.target_noise: a map between two states has none; set it to 0\n";
  if (options.maximum_likelihood_steps > 0)
    errors +=
        "method.regflow.maximum_likelihood_steps: a map between two states has no base density and no likelihood; set "
        "it to 0\n";
  if (errors.empty()) return;
  errors.pop_back();
  throw ConfigurationError(errors);
}

}  // namespace

StateMapFit fit_state_map(StateMap& map, const at::Tensor& a, const at::Tensor& b, const TrainingOptions& options,
                          const std::function<bool(std::int64_t step, double loss)>& go_on) {
  require_settings(options.regflow);
  StateMapFit fit;
  const std::int64_t n_steps = options.fit.gradient_steps;
  const RandomStream root(static_cast<std::uint64_t>(options.trainer.seed));
  const auto begin = std::chrono::steady_clock::now();
  const Pairs pairs = assigned_pairs(map.standardized_a(a), map.standardized_b(b), options.regflow.n_pairs,
                                     root.child(shuffling_stream));
  fit.n_pairs = pairs.a.size(0);
  fit.n_assignments = pairs.n_assignments;
  fit.root_mean_square_distance = std::sqrt((pairs.a - pairs.b).to(at::kDouble).square().sum(1).mean().item<double>());
  fit.transport_seconds = seconds_since(begin);

  const auto training_begin = std::chrono::steady_clock::now();
  EuclideanFlow& flow = map.flow();
  const ConditionerPrecision precision = parse_conditioner_precision(options.trainer.precision);
  flow.to_type(at::kFloat);
  Adam optimizer(flow.parameters(), {.weight_decay = options.trainer.weight_decay});
  optimizer.start_average(options.trainer.ema_decay);
  RandomStream random = root.child(batch_stream);
  for (std::int64_t step = 0; step < n_steps && !fit.stopped; ++step) {
    at::Tensor rows = at::empty({options.trainer.batch_size}, at::kLong);
    for (std::int64_t i = 0; i < rows.numel(); ++i)
      rows.mutable_data_ptr<std::int64_t>()[i] =
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(fit.n_pairs)));
    const at::Tensor x0 = pairs.a.index_select(0, rows), x1 = pairs.b.index_select(0, rows);
    optimizer.zero_gradients();
    const Density::Mapped mapped = flow.forward(x0, precision);
    at::Tensor loss = (mapped.x - x1).square().mean();
    if (const at::Tensor term =
            regression_regularization(options.regflow.regularization, flow, mapped, x0, x1, precision);
        term.defined())
      loss = loss + options.regflow.regularization_coefficient * term;
    const double value = loss.item<double>();
    if (std::isfinite(value)) {
      loss.backward();
      const double fraction = static_cast<double>(step) / static_cast<double>(n_steps);
      const double end = options.fit.learning_rate_end;
      const double warm_up = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(std::max<std::int64_t>(
                                                                               1, options.trainer.warm_up_steps)));
      optimizer.step(options.trainer.learning_rate * warm_up * (end + (1 - end) * 0.5 * (1 + std::cos(pi * fraction))),
                     options.trainer.gradient_norm_clip);
      flow.parameters_changed();
    }
    const bool out_of_time =
        options.trainer.maximum_minutes > 0 && seconds_since(training_begin) > 60 * options.trainer.maximum_minutes;
    if (!go_on(step + 1, value)) fit.stopped = true;
    if (out_of_time) break;
  }
  if (n_steps > 0) optimizer.copy_average_to_parameters();
  flow.parameters_changed();
  const c10::NoGradGuard no_grad;
  double sum = 0;
  constexpr std::int64_t batch = 1024;
  for (std::int64_t first = 0; first < fit.n_pairs; first += batch) {
    const std::int64_t n = std::min(batch, fit.n_pairs - first);
    const at::Tensor image = flow.forward(pairs.a.narrow(0, first, n), ConditionerPrecision::float32).x;
    sum += (image - pairs.b.narrow(0, first, n)).to(at::kDouble).square().sum().item<double>();
  }
  fit.regression_error = sum / static_cast<double>(pairs.a.numel());
  flow.to_type(at::kDouble);
  fit.training_seconds = seconds_since(training_begin);
  return fit;
}

}  // namespace boltzflow
